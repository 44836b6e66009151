"""Baselines of EcomPricing-v0: rules on what the shop sees, tuned on common random numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from itertools import product
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import Policy
from sb3_ecom.envs.pricing.season import rules
from sb3_ecom.envs.pricing.season.env import SeasonTask
from sb3_ecom.envs.pricing.season.params import SeasonParams
from sb3_ecom.envs.pricing.season.rules import Constants, Rule
from sb3_ecom.envs.pricing.season.tuned import TUNED

_SEED = 1_224  # of the seasons that constants are tuned on; nobody is evaluated on them


class Family(NamedTuple):
    """Rules that differ in their constants, and how these are searched."""

    make: Callable[[SeasonParams, Constants], Rule]
    start: tuple[tuple[float, ...], ...]  # values of each constant that are tried in all combinations
    copies: int = 512  # seasons that every candidate meets


_SHIFTS = (-0.2, 0.0, 0.2)
FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "fixed_price": Family(rules.FixedPrice, (tuple(np.linspace(-0.6, 0.9, 11).tolist()),), 2048),
        "fluid_once": Family(partial(rules.Fluid, resolve=False), (_SHIFTS,), 2048),
        "stock_pace": Family(
            rules.StockPace, ((-0.2, 0.0, 0.2, 0.4, 0.6), (0.0, 0.3, 0.6, 1.0), (-0.4, 0.0, 0.4)), 1024
        ),
        "fluid_resolved": Family(rules.Fluid, (_SHIFTS,)),
        "certainty_equivalence": Family(
            partial(rules.Believing, estimate=rules.posterior_mode), (_SHIFTS,), 256
        ),
        "thompson": Family(rules.Thompson, (_SHIFTS,), 256),
        "controlled_variance": Family(rules.ControlledVariance, ((-0.1, 0.0, 0.1), (0.0, 0.1, 0.3)), 256),
        "bayes_resolving": Family(rules.BayesResolving, ((-0.1, 0.0, 0.1),), 128),
    }
)


def policy_of(task: SeasonTask, rule: Rule) -> Policy:
    """Return a rule as a policy on observations."""

    def policy(observation: Array) -> Array:
        return task.to_action(np.asarray(rule(task.view(observation)), dtype=np.float32))

    return policy


def value_of(task: SeasonTask, rule: Rule, copies: int, seed: int = _SEED) -> float:
    """Return a rule's mean return over seasons."""
    loop = StepLoop(task, copies)
    return float(run_episodes(loop, policy_of(loop.task, rule), seed)["reward"].mean())  # type: ignore[arg-type]


def search(task: SeasonTask, name: str) -> Constants:
    """Return the best constants of a family: a grid, then steps of a half and a quarter of its mesh."""
    family = FAMILIES[name]
    known: dict[Constants, float] = {}

    def value(constants: Constants) -> float:
        if constants not in known:
            known[constants] = value_of(task, family.make(task.params, constants), family.copies)
        return known[constants]

    best = max(product(*family.start), key=value)
    meshes = [values[1] - values[0] for values in family.start]
    for part in (0.5, 0.25):
        for place, mesh in enumerate(meshes):
            moved = ((*best[:place], best[place] + way * part * mesh, *best[place + 1 :]) for way in (-1, 1))
            best = max([best, *moved], key=value)
    return best


def constants_for(task: SeasonTask, name: str) -> Constants:
    """Return a family's tuned constants: stored for the default season, searched (and kept) for others."""
    weights = tuple(sorted(task.reward_weights.items()))
    if name in TUNED and task.params == SeasonParams() and task.reward_weights == _default_weights():
        return TUNED[name]
    return _searched(task.params, weights, name)


def _default_weights() -> Mapping[str, float]:
    return SeasonTask().reward_weights


@lru_cache(maxsize=64)
def _searched(params: SeasonParams, weights: tuple[tuple[str, float], ...], name: str) -> Constants:
    return search(SeasonTask(preset=params, reward_weights=dict(weights)), name)


def _baseline(name: str) -> Callable[[SeasonTask], Policy]:
    def make(task: SeasonTask) -> Policy:
        return policy_of(task, FAMILIES[name].make(task.params, constants_for(task, name)))

    rule = FAMILIES[name].make
    make.__doc__ = (rule.func if isinstance(rule, partial) else rule).__doc__  # for `envs` and the docs
    return make


BASELINES: Mapping[str, Callable[[Any], Policy]] = MappingProxyType(
    {name: _baseline(name) for name in FAMILIES}
)
