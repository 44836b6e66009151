"""Statistics of a log of prices and sales and of a simulated one, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sb3_ecom.core import fidelity
from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.fidelity import TOLERANCE, Line, replicate_errors
from sb3_ecom.envs.pricing.calibration.sensitivity import two_way

_BURSTS = "a period's units are Poisson around a level that drifts: bulk orders and promotions are not in it"
REASONS = {
    "CV": _BURSTS,
    "without a sale": _BURSTS,
    "lag-1": (
        "the level is drawn for each season and walks from there, apart from the prices; where prices of a "
        "log trended with demand (a price level that rises for everybody) it makes up for that"
    ),
}
CLOSING = (
    "Sales are taken for demand: what an empty shelf lost is in no log. Prices were not randomised, so the\n"
    "sensitivity is observational. Stocks, and visitors unless given, are assumed."
)


def statistics(units: Floats, factor: Floats) -> dict[str, float]:
    """Return the statistics of (T, K) units at (T, K) price factors."""
    total, mean = units.sum(1), units.mean(0)
    apart = total - total.mean()
    found = {
        "units a period, all products": float(total.mean()),
        "CV of a period's units": float(total.std() / total.mean()),
        "median product CV": float(np.median(units.std(0) / np.maximum(mean, 1e-9))),
        "share of the best seller": float(mean.max() / mean.sum()),
        "share of cells without a sale": float((units == 0).mean()),
        "lag-1 autocorrelation of a period's units": float(
            (apart[1:] * apart[:-1]).mean() / max(total.var(), 1e-9)
        ),
    }
    if units.shape[1] > 1:
        found["price sensitivity (product and period effects)"] = two_way(units, factor).value
    return found


def compare(log: Mapping[str, float], simulated: Sequence[Mapping[str, float]]) -> list[Line]:
    """Compare a log with simulated logs of the same size, whose spread is the sampling noise of one log."""
    means = {name: float(np.mean([each[name] for each in simulated])) for name in log}
    factor = float(np.sqrt(1 + 1 / len(simulated)))
    errors = {name: factor * value for name, value in replicate_errors(simulated).items()}
    tolerances = {name: max(TOLERANCE * abs(value), 0.03) for name, value in log.items()}
    return fidelity.compare(log, means, errors, tolerances, None, reason)


def reason(name: str) -> str:
    """Return what the model leaves out, of a statistic that it does not reproduce."""
    return next((why for part, why in REASONS.items() if part in name), "why is not known")
