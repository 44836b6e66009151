"""Bonuses for slates: how different the items are, and how novel."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.checks import LARGEST_WEIGHT, check_choice, check_number
from sb3_ecom.core.item_spaces import Items
from sb3_ecom.core.spaces import items_of
from sb3_ecom.wrappers.rule import RewardRule, Step
from sb3_ecom.wrappers.wrapper import RewardWrapper

Rule = TypeVar("Rule", bound=RewardRule)


class Shown(NamedTuple):
    """What the present episode has shown."""

    shown: Array  # (n, N) bool


def intra_list_distance(slate: Array, unit_features: Array) -> Array:
    """Return the mean of 1 - cosine over all pairs of a slate, (n,), in [0, 2]; 0 for fewer than two items.

    Source: Ziegler et al. (2005), "Improving recommendation lists through topic diversification", WWW
    (intra-list similarity); as a mean distance: Smyth & McClave (2001), "Similarity vs. diversity", ICCBR.

    Args:
        slate: (n, K) item ids; a negative id is an empty slot.
        unit_features: (N, f) features of length 1 (or 0, which is at distance 1 from everything).
    """
    xp = array_namespace(slate, unit_features)
    filled = slate >= 0
    rows = unit_features[xp.where(filled, slate, xp.zeros_like(slate))] * filled[:, :, None]
    # The sum of all cosines is |sum of the vectors|^2: no (K, K) table is needed.
    total = xp.sum(rows, axis=1)
    cosines = xp.sum(total * total, axis=1) - xp.sum(xp.sum(rows * rows, axis=2), axis=1)
    count = xp.sum(filled * 1.0, axis=1)
    pairs = count * (count - 1.0)
    safe = xp.where(pairs > 0, pairs, xp.ones_like(pairs))
    return xp.where(pairs > 0, 1.0 - cosines / safe, xp.zeros_like(pairs))


def mean_self_information(slate: Array, information: Array) -> Array:
    """Return the mean of an (N,) item property over the filled slots of (n, K) slates, (n,); 0 if none is.

    Source: Zhou et al. (2010), "Solving the apparent diversity-accuracy dilemma of recommender systems", PNAS
    107(10): novelty as self-information -log2(popularity), bits; Vargas & Castells (2011), RecSys.
    """
    xp = array_namespace(slate, information)
    filled = (slate >= 0) * 1.0
    values = information[xp.where(slate >= 0, slate, xp.zeros_like(slate))] * filled
    count = xp.sum(filled, axis=1)
    return xp.sum(values, axis=1) / xp.where(count > 0, count, xp.ones_like(count))


def newly_covered(slate: Array, shown: Array) -> tuple[Array, Array]:
    """Return the share of the catalogue shown for the first time, (n,), and the new `shown` (n, N).

    Summed over an episode this is the episode's catalogue coverage, |union of its slates| / N.

    Source: Ge, Delgado-Battenfeld & Jannach (2010), "Beyond accuracy: evaluating recommender systems by
    coverage and serendipity", RecSys.
    """
    xp = array_namespace(slate, shown)
    n, items = shown.shape
    row = xp.arange(n)[:, None]
    padded = xp.zeros((n, items + 1)) > 0  # all false; the last column takes the empty slots
    padded[:, :items] = shown
    padded[row, xp.where(slate >= 0, slate, xp.full(slate.shape, items))] = True
    after = padded[:, :items]
    gained = xp.sum(after * 1.0, axis=1) - xp.sum(shown * 1.0, axis=1)
    return gained / items, after


def find_items(observation_space: Any, reader: str) -> Items:
    """Return the catalogue that an observation space carries.

    Raises:
        ValueError: if it carries none.
    """
    items = items_of(observation_space)
    if items is None:
        raise ValueError(
            f"{reader} reads the catalogue in observation_space.items (a LayoutBox of a recommender id),"
            f" got {observation_space}"
        )
    return items


@dataclass(frozen=True)
class Diverse(RewardRule):
    """Adds ``weight x`` the intra-list distance of the shown slate to the reward.

    Reads ``info["slate"]`` and the features of the catalogue in ``observation_space.items``.

    Source: see `intra_list_distance`.

    Args:
        weight: reward units per unit of distance.

    Raises:
        ValueError: if `weight` is not finite, or the observation space carries no catalogue.
    """

    reads: ClassVar[tuple[str, ...]] = ("slate",)

    weight: float = 0.1
    unit_features: Array = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_number("weight", self.weight, low=-LARGEST_WEIGHT, high=LARGEST_WEIGHT)

    def for_env(self, observation_space: Any, terms: tuple[str, ...] | None) -> Diverse:
        """Take the features of the catalogue."""
        features = np.asarray(find_items(observation_space, "DiversityBonus").features, dtype=np.float64)
        length = np.linalg.norm(features, axis=1, keepdims=True)
        return _with(self, "unit_features", features / np.where(length > 0, length, 1.0))

    def apply(self, state: Any, step: Step, noise: Array | None) -> tuple[Any, Step]:
        """Add the bonus."""
        bonus = intra_list_distance(step.step_info["slate"], self.unit_features)
        return state, step._replace(reward=step.reward + self.weight * bonus)


@dataclass(frozen=True)
class Novel(RewardRule):
    """Adds ``weight x`` the novelty of the shown slate to the reward.

    "popularity": the mean self-information of the items, -log2 of their share of past clicks (bits).
    "coverage": the share of the catalogue that the episode shows for the first time.
    Reads ``info["slate"]`` and the catalogue in ``observation_space.items``.

    Source: see `mean_self_information` and `newly_covered`.

    Args:
        weight: reward units per bit, or per whole catalogue.
        kind: "popularity" or "coverage".

    Raises:
        ValueError: if a parameter is out of bounds, the observation space carries no catalogue, or an
            item's popularity is not finite.
    """

    reads: ClassVar[tuple[str, ...]] = ("slate",)

    weight: float = 0.1
    kind: Literal["popularity", "coverage"] = "popularity"
    bits: Array = field(default=None, init=False, repr=False, compare=False)  # (N,)

    def __post_init__(self) -> None:
        check_number("weight", self.weight, low=-LARGEST_WEIGHT, high=LARGEST_WEIGHT)
        check_choice("kind", self.kind, ("popularity", "coverage"))

    def for_env(self, observation_space: Any, terms: tuple[str, ...] | None) -> Novel:
        """Take the popularities of the catalogue."""
        logs = np.asarray(find_items(observation_space, "NoveltyBonus").log_popularity, dtype=np.float64)
        if not np.isfinite(logs).all():
            raise ValueError(f"log_popularity of the catalogue must be finite, got {logs.min()}")
        return _with(self, "bits", -logs / math.log(2.0))

    def start(self, observation: Any, blank: Array) -> Shown | None:
        """Nothing was shown yet."""
        xp = array_namespace(blank)
        if self.kind == "popularity":
            return None
        return Shown(xp.zeros((blank.shape[0], self.bits.shape[0])) > 0)

    def apply(self, state: Shown | None, step: Step, noise: Array | None) -> tuple[Shown | None, Step]:
        """Add the bonus."""
        slate = step.step_info["slate"]
        if state is None:
            bonus = mean_self_information(slate, self.bits)
        else:
            bonus, shown = newly_covered(slate, state.shown)
            state = Shown(shown)
        return state, step._replace(reward=step.reward + self.weight * bonus)


def _with(rule: Rule, name: str, value: Array) -> Rule:
    """Return a copy of the rule that knows the catalogue."""
    other = replace(rule)  # type: ignore[type-var]
    object.__setattr__(other, name, value)
    return other


class DiversityBonus(RewardWrapper, rule=Diverse):
    """gymnasium wrapper of `Diverse`."""


class NoveltyBonus(RewardWrapper, rule=Novel):
    """gymnasium wrapper of `Novel`."""
