"""Statistics of a sales log and of a simulated one, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core import fidelity
from sb3_ecom.core.fidelity import TOLERANCE, Line, replicate_errors
from sb3_ecom.envs.inventory.shop.demand_params import WEEK

_NO_GAPS = (
    "simulated demand never pauses, while shelves and lists of a shop have gaps of days or weeks (compare "
    "the longest runs without a sale)"
)
_TWO_AIMS = (
    "an item's day-to-day spread is one number, fitted half to its variance and half to its days without a "
    "sale; where gaps in supply add days without a sale it misses both a little"
)
_ONE_SHOP = (
    "simulated items drift each on its own and the year has two harmonics; what moves the whole shop for a "
    "week or two (closing days, the weeks before Christmas) is not in the model"
)
_ONE_DRIFT = "all simulated items share one size and one persistence of drift"
_EXTRAPOLATED = (
    "the line fitted to all items turns a little: its level is the variance at one unit a week, below what "
    "these items sell (compare the variance of the typical item)"
)
#: What the demand model leaves out, by the statistic that shows it.
REASONS = {
    "CV per day": _TWO_AIMS,
    "with a sale": _NO_GAPS,
    "ADI": _NO_GAPS,
    "run without a sale": _NO_GAPS,
    "CV per week": _ONE_DRIFT,
    "lag-1": _ONE_DRIFT,
    "dispersion law": _EXTRAPOLATED,
    "weekly total": _ONE_SHOP,
    "quarter": _ONE_SHOP,
}


def statistics(units: NDArray[np.float64], first_day: date) -> dict[str, float]:
    """Return the statistics of (items, days) of sales; CV, sales and ADI of days and of weeks."""
    open_days = units.sum(axis=0) > 0
    daily = units[:, open_days]
    weeks = units.shape[1] // 7
    weekly = units[:, : 7 * weeks].reshape(len(units), weeks, 7).sum(axis=2)
    found = {"units a day, all items": float(units.sum(axis=0).mean())}
    for name, table in (("day", daily), ("week", weekly)):
        mean, sold = table.mean(axis=1), (table > 0).sum(axis=1)
        found[f"median item mean per {name}"] = float(np.median(mean))
        found[f"median item CV per {name}"] = float(np.median(table.std(axis=1) / mean))
        found[f"share of {name}s with a sale"] = float((table > 0).mean())
        found[f"median ADI in {name}s"] = float(np.median(table.shape[1] / np.maximum(sold, 1)))
    mean, variance = weekly.mean(axis=1), weekly.var(axis=1)
    if len(units) > 2:
        slope, level = np.polyfit(np.log(mean), np.log(np.maximum(variance, 1e-9)), 1)
        found["weekly dispersion law, exponent"] = float(slope)
        found["weekly dispersion law, log level"] = float(level)
        found["weekly variance of the typical item"] = float(np.exp(level + slope * np.log(mean).mean()))
    runs = [_longest_run(row == 0) for row in daily]
    found["longest run without a sale, days, 90% of items below"] = float(np.quantile(runs, 0.9))
    total = np.sort(units.sum(axis=1))[::-1]
    found["share of the top 20% of items"] = float(total[: max(len(total) // 5, 1)].sum() / total.sum())
    found["weekly total, CV"] = float(weekly.sum(axis=0).std() / weekly.sum(axis=0).mean())
    residual = weekly - mean[:, None]
    lagged = (residual[:, 1:] * residual[:, :-1]).mean(axis=1) / np.maximum(variance, 1e-9)
    found["median weekly lag-1 autocorrelation"] = float(np.median(lagged))
    return found | _profiles(units, first_day)


def _longest_run(flags: NDArray[np.bool_]) -> int:
    """Return the length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False]))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def reason(name: str) -> str:
    """Return what the model leaves out, of a statistic that it does not reproduce."""
    return next((why for part, why in REASONS.items() if part in name), "why is not known")


def _profiles(units: NDArray[np.float64], first_day: date) -> dict[str, float]:
    """Return weekday and quarter factors of the mean over items, each item at weight 1."""
    shop = (units / units.mean(axis=1, keepdims=True)).mean(axis=0)
    dates = [date.fromordinal(first_day.toordinal() + day) for day in range(units.shape[1])]
    weekday = np.array([each.weekday() for each in dates])
    quarter = np.array([(each.month - 1) // 3 for each in dates])
    found = {f"{name} factor": float(shop[weekday == day].mean()) for day, name in enumerate(WEEK)}
    for number in range(4):
        if (quarter == number).any():
            found[f"quarter {number + 1} factor"] = float(shop[quarter == number].mean())
    return found


def compare(log: Mapping[str, float], simulated: Sequence[Mapping[str, float]]) -> list[Line]:
    """Compare a log with simulated logs of the same size, whose spread is the sampling noise of one log.

    A line holds to 10% of the log's value, or to .03 where that is more; a share of days or weeks with a
    sale to 10% of the rarer of sale and no sale, or to .005.
    """
    shared = [name for name in log if all(name in each for each in simulated)]
    means = {name: float(np.mean([each[name] for each in simulated])) for name in shared}
    factor = float(np.sqrt(1 + 1 / len(simulated)))
    errors = {name: factor * value for name, value in replicate_errors(simulated).items()}
    tolerances = {
        name: max(TOLERANCE * min(log[name], 1 - log[name]), 0.005)
        if "with a sale" in name
        else max(TOLERANCE * abs(log[name]), 0.03)
        for name in shared
    }
    shortages = {name: "no sale in the log" for name in shared if "with a sale" in name and not log[name]}
    observed = {name: log[name] for name in shared}
    return fidelity.compare(observed, means, errors, tolerances, shortages, reason)


CLOSING = (
    "Sales are taken for demand: what an empty shelf lost is in no log. Margin, holding cost,\n"
    "order-line cost, capacity and the mean lead time of EcomInventory-v0 are assumed, not fitted."
)
