"""A cost limit as a Lagrangian penalty."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.checks import LARGEST_WEIGHT, check_flag, check_number, check_term
from sb3_ecom.wrappers.rule import RewardRule, Step
from sb3_ecom.wrappers.wrapper import RewardWrapper


class Running(NamedTuple):
    """What the present episode has used."""

    used: Array  # (n,) units of the limited term


def lagrangian(reward: Array, excess: Array, multiplier: float) -> Array:
    """Return reward - multiplier x excess, all (n,); a positive excess breaks the limit.

    Source: Tessler, Mankowitz & Mannor (2019), "Reward constrained policy optimization", ICLR, the penalised
    reward; Altman (1999), "Constrained Markov decision processes".
    """
    return reward - multiplier * excess


@dataclass(frozen=True)
class Constrained(RewardRule):
    """Penalises what a limited term uses, at the price `multiplier` per unit.

    The limit is on an expectation, not on every episode: ``E[term] <= limit`` (``>=`` with `at_least`) per
    episode, per step, or per unit of another term, which makes it a ratio (spend per purchase, returns
    per purchase, units served per unit demanded). In every case the reward loses
    ``multiplier x (term - limit x base)``, except that per episode the constant ``multiplier x limit``
    is left out, because no policy can change it.

    A term that stands as a negative number (a cost inside the reward) is limited from below: a spend of at
    most 100 is ``at_least=True, limit=-100``. Off-policy replay keeps rewards at the price of their day.

    `multiplier` is fixed unless `sb3_ecom.sb3.DualAscent` adapts it. ``info["constraint:<term>"]`` holds
    what that callback averages: (used, base), with base counting ended episodes, steps, or units of `per`.

    Source: see `lagrangian`.

    Args:
        term: name of the limited reward term, or of another number in `info` (``"unmet"``; with
            ``per="demand"`` a fill rate; ``"cost"`` of a safety benchmark). A term goes before a number.
        limit: in units of the term per `per`.
        multiplier: price, reward units per unit of the term, >= 0.
        per: "episode", "step", or the name of a term or number >= 0.
        at_least: the limit is a lower one.

    Raises:
        ValueError: on a limit that is not finite or a negative multiplier.
    """

    reads_numbers: ClassVar[bool] = True

    term: str
    limit: float
    multiplier: float = 0.0
    per: Literal["episode", "step"] | str = "episode"
    at_least: bool = False

    def __post_init__(self) -> None:
        check_term("term", self.term, optional=False)
        check_number("limit", self.limit, low=-LARGEST_WEIGHT, high=LARGEST_WEIGHT)
        check_number("multiplier", self.multiplier, low=0, high=LARGEST_WEIGHT)
        check_term("per", self.per, optional=False)
        check_flag("at_least", self.at_least)

    @property
    def needed_terms(self) -> tuple[str, ...]:
        """The limited term, and the one it is measured by."""
        return (self.term,) if self.per in ("episode", "step") else (self.term, self.per)

    @property
    def key(self) -> str:
        """Entry of `info` that tells the constraint's use."""
        return f"constraint:{self.term}"

    def start(self, observation: Any, blank: Array) -> Running:
        """Nothing is used yet."""
        return Running(blank)

    def apply(self, state: Running, step: Step, noise: Array | None) -> tuple[Running, Step]:
        """Penalise the step, and say what it used."""
        xp = array_namespace(step.reward)
        cost = _amount(step, self.term)
        sign = -1.0 if self.at_least else 1.0
        if self.per == "episode":
            total = state.used + cost
            base = step.done * xp.ones_like(total)
            state, used, excess = Running(total), total * base, cost
        else:
            base = xp.ones_like(step.reward) if self.per == "step" else _amount(step, self.per)
            used, excess = cost, cost - self.limit * base
        reward = lagrangian(step.reward, sign * excess, self.multiplier)
        step_info = {**step.step_info, self.key: xp.stack([used, base], axis=1)}
        return state, step._replace(reward=reward, step_info=step_info)


def _amount(step: Step, name: str) -> Array:
    return step.terms[name] if name in step.terms else step.step_info[name]


class ConstrainedReward(RewardWrapper, rule=Constrained):
    """gymnasium wrapper of `Constrained`."""

    rule: Constrained

    def constraints(self) -> list[Constrained]:
        """Return the rules of this wrapper and of those further in."""
        inner = self.env.get_wrapper_attr("constraints")() if self.env.has_wrapper_attr("constraints") else []
        return [self.rule, *inner]

    def set_multiplier(self, term: str, multiplier: float) -> None:
        """Set the price of the constraint on `term`, here or in a `ConstrainedReward` further in.

        Raises:
            ValueError: if no wrapper limits `term`, or the price is negative.
        """
        if self.rule.term == term:
            self.rule = replace(self.rule, multiplier=multiplier)
        elif self.env.has_wrapper_attr("set_multiplier"):
            self.env.get_wrapper_attr("set_multiplier")(term, multiplier)
        else:
            raise ValueError(f"term must be one that a ConstrainedReward limits, got {term!r}")
