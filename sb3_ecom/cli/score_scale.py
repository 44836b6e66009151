"""The scale of scores on the arguments at hand: 0 is random, 1 a reference policy in the same episodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sb3_ecom.core.evaluate import Result
from sb3_ecom.core.policies import TunedMaker
from sb3_ecom.core.registry import Spec

_APART = 1.96  # standard errors between the ends of a scale that says something


class Scale(NamedTuple):
    """Returns that score 0 and 1."""

    low: float
    high: float
    reference: str  # whose return scores 1
    of_defaults: bool  # whether the ends are the figures on record for the id's default arguments

    def score(self, value: float) -> float:
        """Return (value - low) / (high - low)."""
        return (value - self.low) / (self.high - self.low)

    def __str__(self) -> str:
        """Say which returns score 0 and 1, and where they are from."""
        source = "on record, of other episodes" if self.of_defaults else "measured with these arguments"
        return f"score 0 = random ({self.low:.6g}), 1 = {self.reference} ({self.high:.6g}); {source}"


def find_scale(
    entry: Spec,
    kwargs: Mapping[str, Any],
    results: Mapping[str, Result],
    play: Callable[[Any], Result],
    optimum: float | None = None,
    tuned: Mapping[str, Any] | None = None,
) -> Scale | str:
    """Return the scale of an id's scores with these arguments, or why there is none.

    With default arguments it is that of the figures on record. With others both ends are measured: random,
    and the proven optimum where it was computed, else the best baseline.

    Args:
        entry: the id.
        kwargs: arguments of the environment.
        results: policy -> result in the common episodes, as far as there are any.
        play: what `evaluate` takes as a policy -> result in the same episodes.
        optimum: proven one of these arguments, or None.
        tuned: baselines whose constants are at hand, which need no search.
    """
    if not kwargs:
        return Scale(entry.random.value, entry.best_known.value, entry.best_known_kind, True)
    random = results.get("random") or play("random")
    if optimum is not None:
        return Scale(random.mean, optimum, "optimum", False)
    names = [name for name in results if name in entry.baselines and name != "random"]
    best = "" if entry.best_baseline is None else entry.best_baseline.policy
    at_hand = tuned or {}
    if best in entry.baselines and best not in names:
        if best in at_hand or not isinstance(entry.baselines[best], TunedMaker):
            names.append(best)
        elif not names:
            return f"its best baseline {best} must be tuned to these arguments first, which takes minutes"
    if not names:
        return "the id has no baseline to compare with"
    found: dict[str, Result] = {}
    for name in names:
        try:
            found[name] = results.get(name) or play(at_hand.get(name, name))
        except (ImportError, ValueError) as error:
            return f"{name} can not be evaluated: {error}"
    top = max(found, key=lambda name: found[name].mean)
    gap, stderr = found[top].minus(random)
    if not gap > _APART * stderr:
        return f"random earns as much as {top}"
    return Scale(random.mean, found[top].mean, f"{top}, the best baseline", False)
