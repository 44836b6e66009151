"""The recommendation ids: data only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

from sb3_ecom.core.registry import Policy, Reference, Spec
from sb3_ecom.envs.recommendation import baselines, oracle
from sb3_ecom.envs.recommendation.env import SessionTask
from sb3_ecom.envs.recommendation.family import FAMILY_SPECS
from sb3_ecom.envs.recommendation.linucb import linucb
from sb3_ecom.envs.recommendation.params import SessionParams
from sb3_ecom.envs.recommendation.references import trained
from sb3_ecom.envs.recommendation.shop import CONSTANT_WEIGHTS


def make_session(
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
    if action == "single":
        changes.setdefault("slate_size", 1)
    params = _load(str(preset))
    # Unchanged parameters stay one object: what is fitted to them (planners) is fitted once.
    return SessionTask(replace(params, **changes) if changes else params, action, reward_weights)


@lru_cache(maxsize=8)
def _load(preset: str) -> SessionParams:
    from sb3_ecom.envs.recommendation.presets import load_preset

    return load_preset(preset)


def _measured(env_id: str, policy: str, value: float, stderr: float, episodes: int, seed: int) -> Reference:
    command = f"python -m sb3_ecom evaluate {env_id} --baseline {policy} --privileged --episodes {episodes}"
    return Reference(value=value, stderr=stderr, command=f"{command} --seed {seed}")


_BASELINES: dict[str, Callable[[Any], Policy]] = {
    "random": baselines.random_slate,
    "constant_slate": baselines.constant_slate,
    "popularity": baselines.popularity,
    "best_static_list": baselines.best_static_list,
    "related_items": baselines.related_items,
    "item_knn": baselines.item_knn,
    "linucb": linucb,
    "zero_action": baselines.zero_action,
    "session_profile": baselines.session_profile(CONSTANT_WEIGHTS),
    "constant_weights": baselines.constant_weights(CONSTANT_WEIGHTS),
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
    references: tuple[tuple[str, float, float, int, int], ...],
    **more: Any,
) -> Spec:
    """Return a Spec; `references`: (policy, value, standard error, episodes, seed), random to best known."""
    make_task = partial(make_session, action=action)
    random, baseline, best = (_measured(env_id, *reference) for reference in references)
    return Spec(
        id=env_id,
        summary=summary,
        make_task=make_task,
        random=random,
        best_known=best,
        best_known_kind="best-known",
        oracle=lambda **kwargs: oracle.session_oracle(make_task(**kwargs)),
        baselines=_BASELINES,
        privileged=_PRIVILEGED,
        presets=("eshop",),
        best_baseline=(references[1][0], baseline),
        **more,
    )


_FIVE = (
    ("random", 0.480, 0.006, 20_000, 11),
    ("session_profile", 4.598, 0.036, 20_000, 11),
    ("lookahead_clairvoyant", 5.050, 0.041, 20_000, 11),
)
_ONE = (
    ("random", 0.125, 0.008, 2_000, 0),
    ("session_profile", 2.453, 0.069, 2_000, 0),
    ("lookahead_clairvoyant", 2.995, 0.061, 4_096, 0),
)
_LADDER = "python benchmarks/flagship.py EcomRec-v0 --seeds 5 --episodes 20000"
SPECS = (
    _session(
        "EcomRec-v0",
        "ranker",
        "a visitor's session in a web shop: weigh a ranker, page by page",
        _FIVE,
        learner=("PPO", Reference(value=4.960, stderr=0.004, command=_LADDER)),
    ),
    _session(
        "EcomRecSlate-v0",
        "slate",
        "the same session: choose the five items of each page",
        _FIVE,
        best_constant=(46, 53, 29, 54, 0),  # what the baseline `constant_slate` shows
        learner=trained("EcomRecSlate-v0", "ppo", 4.915, 0.089),
    ),
    _session(
        "EcomRecSingle-v0",
        "single",
        "the same session with one item a page",
        _ONE,
        best_constant=46,
        learner=trained("EcomRecSingle-v0", "ppo", 2.906, 0.055),
    ),
    *FAMILY_SPECS,
)
