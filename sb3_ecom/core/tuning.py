"""One search for the numbers of any parametric baseline, on common random numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_at_least
from sb3_ecom.core.cross_entropy import Search, cross_entropy
from sb3_ecom.core.evaluate import PolicyMaker, Result, evaluate
from sb3_ecom.core.parametric import Parametric
from sb3_ecom.core.registry import spec
from sb3_ecom.core.statistics import Estimate, difference

_SEARCH, _CHOICE, _FRESH = 50_000, 60_000, 70_000  # first seeds of the customers of search, choice, report


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What a search found."""

    rule: Parametric  # at the better of the numbers found and those before, on episodes of the choice
    gain: Estimate  # over the numbers before, in the same episodes that neither search nor choice met
    result: Result  # of `rule` in these episodes
    tried: int  # candidates


def tune(
    env_id: str,
    name: str,
    *,
    rounds: int = 20,
    candidates: int = 24,
    episodes: int = 256,
    held_out: int = 2048,
    seed: int = 0,
    **kwargs: Any,
) -> Tuned:
    """Search the numbers of a baseline by the cross-entropy method.

    The candidates of a round meet the same episodes; each round has its own, so that none wins by the luck of
    one sample. The centre that the search ends at is kept if it earns more than the present numbers in
    episodes of their own; what it earns is then measured in episodes that were used for nothing else.

    Args:
        env_id: a registered id.
        name: of a baseline with numbers (`core.parametric.Parametric`).
        rounds: of the search.
        candidates: a round, >= 4.
        episodes: that each candidate meets.
        held_out: episodes of the choice, and again as many of the report.
        seed: of the draws and of all episodes.
        **kwargs: as for `gymnasium.make(env_id, ...)`.

    Raises:
        ValueError: if the id has no such rule, or a number is too small.
    """
    rule = find_parametric(env_id, name)
    check_at_least("rounds", rounds, 1)
    check_at_least("candidates", candidates, 4)
    check_at_least("episodes", episodes, 2)
    check_at_least("held_out", held_out, 2)
    low, high = (np.array([getattr(each, end) for each in rule.parameters]) for end in ("low", "high"))
    names = [parameter.name for parameter in rule.parameters]

    def at(point: Array) -> Parametric:
        values = low + np.clip(point, 0, 1) * (high - low)
        return rule.at(
            {name: float(f"{value:.5g}") for name, value in zip(names, values, strict=True)}, budget
        )

    def earn(candidate: Parametric, count: int, customers: int) -> Result:
        return evaluate(env_id, PolicyMaker(candidate), episodes=count, seed=customers + seed, **kwargs)

    search = Search(rounds, candidates, max(candidates // 4, 2), step=0.7, keep=0.4, gain=0.6, floor=0.02)
    budget = f"{search.tried} candidates x {episodes} episodes"
    start = (np.array([rule.present[name] for name in names]) - low) / (high - low)
    found = cross_entropy(
        lambda point, number: earn(at(point), episodes, _SEARCH + 100 * number).mean,
        start,
        np.full(len(names), 0.2),
        search,
        low=0.0,
        high=1.0,
        seed=seed,
    )
    better, before = at(found), rule.at(rule.present, budget)
    if not earn(better, held_out, _CHOICE).mean > earn(before, held_out, _CHOICE).mean:
        better = before
    result, old = (earn(each, held_out, _FRESH) for each in (better, before))
    return Tuned(rule=better, gain=difference(result.returns, old.returns), result=result, tried=search.tried)


def find_parametric(env_id: str, name: str) -> Parametric:
    """Return a baseline with numbers.

    Raises:
        ValueError: if the id has none of that name; lists those that it has.
    """
    known = parametric_rules(env_id)
    if name not in known:
        raise ValueError(f"rule of {env_id} must be one of {', '.join(known) or 'none'}, got {name!r}")
    return known[name]


def parametric_rules(env_id: str) -> dict[str, Parametric]:
    """Return the baselines of an id that have numbers, by name."""
    return {name: rule for name, rule in spec(env_id).baselines.items() if isinstance(rule, Parametric)}
