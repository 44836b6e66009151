"""The table of a ladder: intervals over seeds and episodes, and paired differences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rungs import Kind, Plan, Rung

import sb3_ecom
from sb3_ecom.core.statistics import difference, estimate_mean

COLUMNS = (
    *("policy", "kind", "seeds", "episodes", "return", "stderr", "low", "high", "score", "against", "minus"),
    *("minus_stderr", "minus_low", "minus_high", "learner_minus", "learner_minus_stderr", "budget", "cpu_s"),
)

#: What is printed; the file has all.
PRINTED = ("policy", "kind", "seeds", "return", "stderr", "score", "minus", "minus_stderr", "learner_minus")


def best(rungs: Sequence[Rung], kind: Kind) -> Rung | None:
    """Return the best rung of a kind, if there is one."""
    found = [rung for rung in rungs if rung.kind == kind]
    return max(found, key=lambda rung: float(rung.measured.returns.mean()), default=None)


def first_learner(rungs: Sequence[Rung], algo: str) -> Rung | None:
    """Return the zoo entry's rung, or else the best learner's."""
    own = [rung for rung in rungs if rung.kind == "learner" and rung.policy == algo.upper()]
    return own[0] if own else best(rungs, "learner")


def make_rows(plan: Plan, rungs: Sequence[Rung], against: str | None = None) -> list[dict[str, Any]]:
    """Return the table; `minus` is the difference to the best baseline, or to the policy `against`.

    Raises:
        ValueError: if the ladder has no policy `against`.
    """
    named = {rung.policy: rung for rung in rungs}
    if against is not None and against not in named:
        raise ValueError(f"--against must be one of {', '.join(named)}, got {against!r}")
    other = named[against] if against else best(rungs, "baseline")
    learner = first_learner(rungs, plan.algo)
    return [make_row(plan, rung, other, learner) for rung in rungs]


def make_row(plan: Plan, rung: Rung, other: Rung | None, learner: Rung | None) -> dict[str, Any]:
    """Return one policy's cells."""
    returns = rung.measured.returns
    found = estimate_mean(returns)
    spec = sb3_ecom.spec(plan.env_id)
    row: dict[str, Any] = {
        "policy": rung.policy,
        "kind": rung.kind,
        "seeds": len(returns) if returns.ndim > 1 else "",
        "episodes": plan.episodes,
        "budget": rung.budget,
        "cpu_s": "" if rung.cpu_s is None else round(rung.cpu_s),
        # A score is of the arguments that random and best known were measured with.
        "score": "" if plan.env_kwargs else f"{spec.score(found.mean):.4f}",
        **{name: f"{value:.4g}" for name, value in rung.measured.metrics.items()},
        **numbers(("return", "stderr", "low", "high"), found),
    }
    if other is not None and rung is not other:
        row["against"] = other.policy
        minus = difference(returns, other.measured.returns)
        row |= numbers(("minus", "minus_stderr", "minus_low", "minus_high"), minus)
    if learner is not None and rung is not learner:
        minus = difference(learner.measured.returns, returns)
        row |= numbers(("learner_minus", "learner_minus_stderr"), minus)
    return row


def oracle_row(plan: Plan, rungs: Sequence[Rung]) -> dict[str, Any]:
    """Return the row of what the id's oracle says of these arguments; it met other episodes, if any."""
    oracle = sb3_ecom.spec(plan.env_id).oracle(**plan.env_kwargs)
    row: dict[str, Any] = {"policy": f"oracle ({oracle.kind})", "kind": "oracle"}
    row |= numbers(("return", "stderr"), (oracle.value, oracle.stderr))
    learner = first_learner(rungs, plan.algo)
    if learner is not None:
        own = estimate_mean(learner.measured.returns)
        gap = (own.mean - oracle.value, math.hypot(own.stderr, oracle.stderr))
        row |= numbers(("learner_minus", "learner_minus_stderr"), gap)
    return row


def numbers(names: Sequence[str], values: Sequence[float]) -> dict[str, str]:
    """Return the values as texts of six digits."""
    return {name: f"{value:.6g}" for name, value in zip(names, values, strict=False)}
