"""The fidelity report of a click log: its tolerances, sampling noise, and what the model leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sb3_ecom.core.fidelity import TOLERANCE, Line, compare

_MEMORY_TOLERANCE = 0.02  # nats, of what a history is worth to a next-item model
_SHARE_TOLERANCE = 0.005  # of shares and hazards, at least
_LEAST_AT_RISK = 30  # sessions that an exit hazard needs, in both logs
_REPLICATES = 20  # bootstrap samples of the log's sessions

_EXIT = (
    "leaving depends on satisfaction, patience and the last item through one logit; a hazard that rises or "
    "falls otherwise with the number of clicks is not in the model"
)
_SPARSE = (
    "vectors of items with few clicks are drawn to their category's or to plain popularity; more clicks per "
    "item, or a category column, tell more"
)
#: What the choice and exit models leave out, by the statistic that shows it.
REASONS = {
    "exit hazard": _EXIT,
    "clicks per session": _EXIT,
    "same category": _SPARSE,
    "same item": "one number says how much more likely the item just clicked is, for all items",
    "distinct items": "one number says how much more likely items opened before are, for all items",
    "top ": "entry shares are counted, later clicks follow the taste: popularity may drift within a session",
    "next-item NLL": "the taste is linear with gates of the last item alone: longer patterns are not in it",
    "memory gap": "the taste is linear with gates of the last item alone: longer patterns are not in it",
}


def compare_logs(
    log: Any,
    simulated: Any,
    statistics: Callable[[Any], Mapping[str, float]],
    more: tuple[Mapping[str, float], Mapping[str, float]] = ({}, {}),
    seed: int = 0,
) -> list[Line]:
    """Return the report's lines.

    Args:
        log: the log's sessions.
        simulated: a simulation's sessions.
        statistics: of sessions.
        more: further statistics of both, whose standard errors are not known.
        seed: of the bootstrap.
    """
    observed, found = dict(statistics(log)), dict(statistics(simulated))
    counts = [np.bincount(np.asarray(each.session)) for each in (log, simulated)]
    factor = float(np.sqrt(1 + len(counts[0]) / len(counts[1])))
    errors = {name: factor * value for name, value in _sampling_errors(log, statistics, seed).items()}
    if "same category on the next click" not in observed:  # one category for all: nothing to compare
        found.pop("same category on the next click", None)
    tolerances = {"memory gap": _MEMORY_TOLERANCE}
    for name, value in observed.items():
        if any(part in name for part in ("hazard", "same ", "share")):
            tolerances[name] = max(TOLERANCE * abs(value), _SHARE_TOLERANCE)
    return compare(
        observed | dict(more[0]),
        found | dict(more[1]),
        errors,
        tolerances,
        _shortages(observed, *counts),
        explain,
    )


def _sampling_errors(
    log: Any, statistics: Callable[[Any], Mapping[str, float]], seed: int = 0
) -> dict[str, float]:
    """Return the bootstrap standard error of each statistic, from resampled sessions."""
    rng, session = np.random.default_rng([seed, 2]), np.asarray(log.session)
    lengths = np.bincount(session)
    starts = np.cumsum(lengths) - lengths
    found = []
    for _ in range(_REPLICATES):
        chosen = rng.integers(len(lengths), size=len(lengths))
        size = lengths[chosen]
        offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        parts = {
            "session": np.repeat(np.arange(len(size)), size),
            "item": np.asarray(log.item)[np.repeat(starts[chosen], size) + offset],
        }
        found.append(statistics(type(log)(**{**vars(log), **parts})))
    names = set.intersection(*(set(each) for each in found))
    return {name: float(np.std([each[name] for each in found], ddof=1)) for name in names}


def _shortages(observed: Mapping[str, float], log: Any, simulated: Any) -> dict[str, str]:
    """Return hazard -> why it can not be compared, given the (S,) clicks of each session of both logs."""
    found = {}
    for name in observed:
        if name.startswith("exit hazard after "):
            clicks = int(name.split()[3])
            least = min(int(np.sum(lengths >= clicks)) for lengths in (log, simulated))
            if least < _LEAST_AT_RISK:
                found[name] = f"{least} sessions are that long, {_LEAST_AT_RISK} are needed in both logs"
    return found


def explain(name: str) -> str:
    """Return what the model leaves out, of a statistic that it does not reproduce."""
    return next((why for part, why in REASONS.items() if part in name), "why is not known")
