"""Risk-averse shaping of an episode's profit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.checks import LARGEST_WEIGHT, check_choice, check_number, check_whole
from sb3_ecom.wrappers.rule import RewardRule, Step
from sb3_ecom.wrappers.wrapper import RewardWrapper

_WARMUP = 20  # ended episodes before an adaptive target is trusted


class Profit(NamedTuple):
    """Profit so far, and what it is held against."""

    profit: Array  # (n,) sum of rewards in the episode
    target: Array  # (n,) fixed when the episode began; NaN shapes nothing
    recent: Array  # (<= window,) profits of the last ended episodes, of all copies


def mean_variance_utility(profit: Array, target: Array, aversion: float) -> Array:
    """Return ``profit - aversion x (profit - target)^2``, (n,).

    Its mean is ``E[G] - aversion x Var[G]`` where `target` is E[G], and less for any other target, so that
    maximising over policy and target together maximises mean minus variance.

    Source: Zhang, Liu & Whiteson (2021), "Mean-variance policy iteration for risk-averse reinforcement
    learning", AAAI (Fenchel duality of the square, there per step, here on the episode's profit); the
    criterion: Tamar, Di Castro & Mannor (2012), "Policy gradients with variance related risk criteria", ICML.
    """
    gap = profit - target
    return profit - aversion * gap * gap


def cvar_utility(profit: Array, target: Array, tail: float, weight: float) -> Array:
    """Return ``(1 - weight) profit + weight (target - max(target - profit, 0) / tail)``, (n,).

    With `weight` 1 its mean is the CVaR (the mean of the worst `tail` share of episodes) where `target` is
    the `tail` quantile of the profit, and less for any other target.

    Source: Rockafellar & Uryasev (2000), "Optimization of conditional value-at-risk", J. Risk 2(3), eq. 4
    (for losses; here for profits); Bäuerle & Ott (2011), "Markov decision processes with
    average-value-at-risk criteria", for the profit so far as a part of the state.
    """
    xp = array_namespace(profit)
    short = xp.clip(target - profit, 0.0, math.inf)
    return (1.0 - weight) * profit + weight * (target - short / tail)


@dataclass(frozen=True)
class RiskAdjusted(RewardRule):
    """Shapes the reward so that its sum over an episode is a risk-averse utility of the profit.

    The profit G of an episode is the sum of its rewards. Each step pays ``u(G_t) - u(G_{t-1})``; an episode
    sums to ``u(G) - u(0)``. The utility is `mean_variance_utility` or `cvar_utility`; its target is fixed
    within an episode. Without `target` it is the mean (or the tail quantile) of the last `window` ended
    episodes, pooled over all copies that this wrapper sees; until 20 have ended nothing is shaped.

    The utility is of the undiscounted profit: use a discount near 1. A policy that sees the profit so far
    can do better than one that does not.

    Source: see the two utilities.

    Args:
        risk: "mean_variance" or "cvar".
        aversion: price of variance, per unit of reward, >= 0 (mean_variance).
        tail: share of the worst episodes, in (0, 1] (cvar).
        weight: of the CVaR against the mean, in [0, 1] (cvar).
        target: of the profit, reward units; None adapts it.
        window: ended episodes that the adaptive target looks back on, >= 20.

    Raises:
        ValueError: if a parameter is out of bounds.
    """

    risk: Literal["mean_variance", "cvar"] = "mean_variance"
    aversion: float = 0.1
    tail: float = 0.1
    weight: float = 1.0
    target: float | None = None
    window: int = 1000

    def __post_init__(self) -> None:
        check_choice("risk", self.risk, ("mean_variance", "cvar"))
        check_number("aversion", self.aversion, low=0, high=LARGEST_WEIGHT)
        check_number("tail", self.tail, low=1e-6, high=1)
        check_number("weight", self.weight, low=0, high=1)
        check_whole("window", self.window, _WARMUP, 10_000_000, "episodes")
        object.__setattr__(self, "window", int(self.window))
        if self.target is not None:
            check_number("target", self.target, low=-1e12, high=1e12)

    def utility(self, profit: Array, target: Array) -> Array:
        """Return the utility (n,) of profits (n,); the profit itself where the target is NaN."""
        xp = array_namespace(profit)
        if self.risk == "mean_variance":
            value = mean_variance_utility(profit, target, self.aversion)
        else:
            value = cvar_utility(profit, target, self.tail, self.weight)
        return xp.where(xp.isnan(target), profit, value)

    def start(self, observation: Any, blank: Array) -> Profit:
        """Begin with no profit, and with nothing known of earlier episodes."""
        return Profit(blank, blank + self._target(blank[:0]), blank[:0])

    def restart(self, state: Profit, ended: Array, observation: Any, blank: Array) -> Profit:
        """Forget the profit, keep the record of ended episodes, and take the target of the day."""
        xp = array_namespace(blank)
        target = xp.where(ended, blank + self._target(state.recent), state.target)
        return Profit(xp.where(ended, blank, state.profit), target, state.recent)

    def apply(self, state: Profit, step: Step, noise: Array | None) -> tuple[Profit, Step]:
        """Pay the gain in utility."""
        xp = array_namespace(step.reward)
        profit = state.profit + step.reward
        reward = self.utility(profit, state.target) - self.utility(state.profit, state.target)
        recent = xp.hstack([state.recent, profit[step.done]])[-self.window :]
        return Profit(profit, state.target, recent), step._replace(reward=reward)

    def _target(self, recent: Array) -> Any:
        if self.target is not None:
            return self.target
        if recent.shape[0] < _WARMUP:
            return math.nan
        xp = array_namespace(recent)
        return xp.mean(recent) if self.risk == "mean_variance" else xp.quantile(recent, self.tail)


class RiskAdjustedReward(RewardWrapper, rule=RiskAdjusted):
    """gymnasium wrapper of `RiskAdjusted`."""
