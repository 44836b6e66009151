"""EcomRec-v0, EcomRecSlate-v0 and EcomRecSingle-v0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

from sb3_ecom.core.checks import check_choice, check_text
from sb3_ecom.core.files import content_key
from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned
from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Policy, Spec
from sb3_ecom.envs.recommendation.session import baselines, oracle
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.linucb import linucb
from sb3_ecom.envs.recommendation.session.masked import NamedItemsTask
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.ranker import CONSTANT_WEIGHTS


def _make_session(
    preset: str | Path = "eshop",
    *,
    action: Literal["ranker", "slate", "single"],
    reward_weights: Mapping[str, float] | None = None,
    **changes: Any,
) -> SessionTask:
    """Build the task of `EcomRec-v0`, `EcomRecSlate-v0` and `EcomRecSingle-v0`.

    Args:
        preset: name of a shipped shop, or the TOML file that `sb3_ecom calibrate recommendation` wrote.
        action: what the agent decides.
        reward_weights: term -> weight; clicks alone by default.
        **changes: fields of `SessionParams` to replace, e.g. ``horizon=50``.
    """
    check_text("preset", preset)
    check_choice("action", action, ("ranker", "slate", "single"))
    if action == "single":
        changes.setdefault("slate_size", 1)
    params = _load(str(preset), content_key(preset))
    # Unchanged parameters stay one object: what is fitted to them (planners) is fitted once.
    kind = SessionTask if action == "ranker" else NamedItemsTask
    return kind(replace(params, **changes) if changes else params, action, reward_weights)


@lru_cache(maxsize=8)
def _load(preset: str, _content: str | None) -> SessionParams:
    from sb3_ecom.envs.recommendation.session.presets import load_preset

    return load_preset(preset)


_BASELINES: dict[str, Callable[[Any], Policy]] = {
    "random": baselines.random_slate,
    "constant_slate": baselines.constant_slate,
    "popularity": baselines.popularity,
    "best_static_list": baselines.best_static_list,
    "related_items": baselines.related_items,
    "item_knn": baselines.item_knn,
    "linucb": Parametric(linucb, (Parameter("exploration", 0.0, 2.0, 0.1),)),
    "zero_action": baselines.zero_action,
    "session_profile": baselines.session_profile(CONSTANT_WEIGHTS),
    "constant_weights": baselines.constant_weights(CONSTANT_WEIGHTS),
    "tuned_weights": Parametric(
        baselines.weights_by_name,
        tuple(
            Parameter(f"weight_{place}", -1.0, 1.0, weight) for place, weight in enumerate(CONSTANT_WEIGHTS)
        ),
    ),
}
_PRIVILEGED: dict[str, Callable[[Any], Policy]] = {
    "history_planner": oracle.HistoryPlanner,
    "myopic_clairvoyant": oracle.myopic_clairvoyant,
    "lookahead_clairvoyant": oracle.lookahead_clairvoyant,
}


def _session(
    env_id: str,
    action: Literal["ranker", "slate", "single"],
    summary: str,
    best_constant: Any,
    teaches: str = "",
    zero_action: str = "",
) -> Spec:
    make_task = partial(_make_session, action=action)
    return Spec(
        id=env_id,
        summary=summary,
        make_task=make_task,
        references=load_references(__file__, env_id),
        best_known_kind="best-known",
        oracle=lambda **kwargs: oracle.oracle(make_task(**kwargs)),
        baselines=with_tuned(__file__, env_id, _BASELINES),
        privileged=_PRIVILEGED,
        presets=("eshop",),
        best_constant=best_constant,
        live_form="Recommender",
        teaches=teaches,
        zero_action=zero_action,
    )


SPECS = (
    _session(
        "EcomRec-v0",
        "ranker",
        "a visitor's session in a web shop: weigh a ranker, page by page",
        best_constant=CONSTANT_WEIGHTS,
        teaches=(
            "a ranker at constant weights already knows the last click, and earns most of what is possible: "
            "the id teaches what is left, page by page. EcomRecSlate-v0 has no such ranker behind its action"
        ),
        zero_action="zero_action",
    ),
    _session(
        "EcomRecSlate-v0",
        "slate",
        "the same session: choose the five items of each page",
        best_constant=(46, 53, 29, 54, 0),  # what the baseline `constant_slate` shows
    ),
    _session("EcomRecSingle-v0", "single", "the same session with one item a page", best_constant=46),
)
