"""The scale of scores on the arguments at hand: of the best known, else of a baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sb3_ecom.core.evaluate import Result
from sb3_ecom.core.policies import TunedMaker
from sb3_ecom.core.registry import Spec
from sb3_ecom.core.score_scale import Scale, scale_of

_APART = 1.96  # standard errors between the ends of a scale that says something


def find_scale(
    entry: Spec,
    kwargs: Mapping[str, Any],
    results: Mapping[str, Result],
    play: Callable[[Any], Result],
    optimum: float | None = None,
    tuned: Mapping[str, Any] | None = None,
) -> Scale | str:
    """Return the scale of an id's scores with these arguments, or why there is none.

    With default arguments it is that of the figures on record. With others random scores 0, and the proven
    optimum 1 where it was computed, else what `scale_of` knows, else the best baseline in the same episodes.

    Args:
        entry: the id.
        kwargs: arguments of the environment.
        results: policy -> result in the common episodes, as far as there are any.
        play: what `evaluate` takes as a policy -> result in the same episodes.
        optimum: proven one of these arguments, or None.
        tuned: baselines whose constants are at hand, which need no search.
    """
    known = scale_of(entry.id, kwargs) if optimum is None else ""
    if isinstance(known, Scale):
        return known
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
