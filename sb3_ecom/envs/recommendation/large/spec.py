"""EcomRecLarge-v0: data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from sb3_ecom.core.checks import check_text
from sb3_ecom.core.files import content_key
from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned
from sb3_ecom.core.references import load_references
from sb3_ecom.core.registry import Spec
from sb3_ecom.envs.recommendation.large import baselines, oracle
from sb3_ecom.envs.recommendation.large.env import LargeTask
from sb3_ecom.envs.recommendation.large.params import LargeParams
from sb3_ecom.envs.recommendation.large.shop import DIRECTIONS
from sb3_ecom.envs.recommendation.session.params import SessionParams

ID = "EcomRecLarge-v0"


def make_large(
    preset: str | Path = "eshop",
    *,
    action: Literal["query", "ranker"] = "query",
    reward_weights: Mapping[str, float] | None = None,
    **changes: Any,
) -> LargeTask:
    """Build the task.

    Args:
        preset: a shipped shop or the TOML file of one, from which the large catalogue is drawn.
        action: "query" or "ranker", see `LargeTask`.
        reward_weights: term -> weight; clicks alone by default.
        **changes: fields of `LargeParams` (``catalogue_size=100_000``) and `SessionParams`.
    """
    check_text("preset", preset)
    known = {field.name for field in fields(LargeParams)} - {"session"}
    large = {name: value for name, value in changes.items() if name in known}
    visitor = {name: value for name, value in changes.items() if name not in known}
    session = _load(str(preset), content_key(preset))
    try:
        session = replace(session, **visitor) if visitor else session
    except TypeError as error:
        raise ValueError(f"unknown parameter of EcomRecLarge: {error}") from error
    return LargeTask(LargeParams(session=session, **large), action, reward_weights)


@lru_cache(maxsize=8)
def _load(preset: str, _content: str | None) -> SessionParams:
    from sb3_ecom.envs.recommendation.session.presets import load_preset

    return load_preset(preset)


#: The best constant action known; `benchmarks/ladder.py EcomRecLarge-v0 --constant` searches it.
_CONSTANT_QUERY = (
    *(0.46, 0.33, 0.22, -0.31),
    *(0.75, -0.36, -0.54, 0.52, 0.31, -0.39, -0.12, -0.02),
    *(0.33, -0.27, 0.19, 0.18, -0.24, -0.4, -0.21, 0.58),
)

#: Half the constant query and the newest click at a half: where `constant_and_click` stands.
_DIAGONAL = (
    *(Parameter(f"plain_{i}", -1.0, 1.0, weight / 2) for i, weight in enumerate(_CONSTANT_QUERY[:4])),
    *(Parameter(f"base_{i}", -1.0, 1.0, weight / 2) for i, weight in enumerate(_CONSTANT_QUERY[4:])),
    *(Parameter(f"click_{i}", -1.0, 2.0, 0.5) for i in range(DIRECTIONS)),
)

SPECS = (
    Spec(
        id=ID,
        summary="10^3 to 10^6 items behind a query: EcomRec's visitor in a large shop",
        make_task=make_large,
        references=load_references(__file__, ID),
        best_known_kind="best-known",
        oracle=lambda **kwargs: oracle.oracle(make_large(**kwargs)),
        baselines=with_tuned(
            __file__,
            ID,
            {
                "random": baselines.random_page,
                "zero_action": baselines.zero_action,
                "constant_query": baselines.constant_query(_CONSTANT_QUERY),
                "related_items": baselines.related_items,
                "last_click_query": baselines.last_click_query,
                "session_query": baselines.session_query,
                "constant_and_click": baselines.constant_and_click(_CONSTANT_QUERY),
                "diagonal_query": Parametric(baselines.diagonal_query, _DIAGONAL),
            },
        ),
        privileged={
            "myopic_clairvoyant": oracle.myopic_clairvoyant,
            "lookahead_clairvoyant": oracle.lookahead_clairvoyant,
        },
        presets=("eshop",),
        best_constant=_CONSTANT_QUERY,
        why_not_live="its catalogue is drawn around the fitted items: no item of it is one of yours",
        zero_action="zero_action",
    ),
)
