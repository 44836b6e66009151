"""Textbook forecasts from the sales that the observation shows: seasonal naive, Holt-Winters.

Both read the sales that the observation shows; a day that emptied the shelf counts as a mean day or more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.inventory.shop.buyer_view import View
from sb3_ecom.envs.inventory.shop.demand_paths import demand_paths
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.tuned import SMOOTHING

_FIT_DAYS, _FIT_SEED = 3 * 365, 1_960  # the shop's own past, on full shelves


def seasonal_naive(task: ShopTask, view: View) -> tuple[Array, Array]:
    """Return (n, N) units expected until an order is there, and a mean day's demand: as in the weeks seen."""
    sales = _sales_or_mean(task, view)
    span, days = task.params.span, sales.shape[1]
    ahead = np.zeros(sales.shape[::2])
    for day in range(span):
        same = [sales[:, back - 1] for back in range(days - 6 + day % 7, 0, -7)]
        ahead += np.mean(same, axis=0)
    return ahead, sales.mean(axis=1)


class HoltWinters:
    """Exponential smoothing of level, damped trend and weekday effect, day by day.

    It starts from the item's mean and weekday profile; its constants are fitted by statsmodels. It carries
    its memory from call to call, one call a day; an observation without a yesterday opens a new episode.

    Source: Holt (1957); Winters (1960), Management Science 6(3); additive, with Gardner's damped trend.
    """

    def __init__(self, constants: Array, weekly: Array) -> None:
        self._constants, self._weekly = constants, weekly
        self.level: Array = None  # (n, N) in mean days' sales
        self.trend: Array = None  # (n, N)
        self.season: Array = None  # (n, 7, N)

    def update(self, sales: Array, weekday: Array, seen: Array) -> None:
        """Take in yesterday's sales, (n, N) in mean days', and its weekday (n,), where it was seen (n,)."""
        n, items = sales.shape
        if self.level is None:
            self.level, self.trend, self.season = (
                np.zeros(size) for size in ((n, items), (n, items), (n, 7, items))
            )
        alpha, beta, gamma, damping = self._constants
        copies, weekday = np.arange(n), weekday.astype(int)
        effect = self.season[copies, weekday]
        before = self.level + damping * self.trend
        level = alpha * (sales - effect) + (1 - alpha) * before
        self.season[copies, weekday] = gamma * (sales - before) + (1 - gamma) * effect
        trend = beta * (level - self.level) + (1 - beta) * damping * self.trend
        self.level = np.where(seen[:, None], level, 1.0)
        self.trend = np.where(seen[:, None], trend, 0.0)
        self.season[~seen] = self._weekly[:, None]

    def ahead(self, weekday: Array, span: int) -> Array:
        """Return the (n, N) sum of the forecasts of `span` days from `weekday` on, in mean days' sales."""
        damping, trend_days = self._constants[3], 0.0
        copies, total = np.arange(len(weekday)), np.zeros_like(self.level)
        for day in range(span):
            trend_days = trend_days + damping ** (day + 1)
            total += (
                self.level + trend_days * self.trend + self.season[copies, ((weekday + day) % 7).astype(int)]
            )
        return total


def holt_winters(task: ShopTask) -> Callable[[ShopTask, View], tuple[Array, Array]]:
    """Return a forecaster with a memory: (task, view) -> what `seasonal_naive` returns."""
    memory = HoltWinters(_smoothing_constants(task), np.array(task.params.demand.weekday) - 1.0)
    mean = np.asarray(task.tables.public.mean)

    def forecast(task: ShopTask, view: View) -> tuple[Array, Array]:
        memory.update(_sales_or_mean(task, view)[:, -1] / mean, (view.weekday - 1) % 7, view.seen[:, -1])
        ahead = memory.ahead(view.weekday, task.params.span)
        return np.maximum(ahead, 0) * mean, np.maximum(memory.level, 0.05) * mean

    return forecast


def _smoothing_constants(task: ShopTask) -> Array:
    """Return (4,) constants: stored for the shipped shop, fitted (and kept) for any other."""
    return np.array(SMOOTHING) if task.is_default else fitted_constants(task.signature)


def import_smoothing() -> Any:
    """Return statsmodels' ExponentialSmoothing.

    Raises:
        ImportError: if statsmodels is not installed; names the extra.
    """
    try:
        from statsmodels.tsa.holtwinters import ExponentialSmoothing
    except ImportError as error:
        raise ImportError(
            "holt_winters needs statsmodels to fit another shop: pip install 'sb3-ecom[forecast]'"
        ) from error
    return ExponentialSmoothing


@lru_cache(maxsize=8)
def fitted_constants(signature: tuple[Any, ...]) -> Array:
    """Return (4,) constants: the median over the items of what least squares finds in three years of each.

    Raises:
        ImportError: if statsmodels is not installed.
    """
    ExponentialSmoothing = import_smoothing()  # noqa: N806 - a class
    task = ShopTask.from_signature(signature)
    demand = demand_paths(task, 1, _FIT_SEED, _FIT_DAYS)
    found = []
    for series, mean in zip(demand[:, 0].T, np.asarray(task.tables.public.mean), strict=True):
        model = ExponentialSmoothing(
            series / mean, trend="add", damped_trend=True, seasonal="add", seasonal_periods=7
        )
        fit = model.fit().params
        names = ("smoothing_level", "smoothing_trend", "smoothing_seasonal", "damping_trend")
        found.append([float(fit[name]) for name in names])
    return np.asarray(np.median(found, axis=0))


def _sales_or_mean(task: ShopTask, view: View) -> Array:
    """Return (n, days, N) units sold; the mean where a day is unseen, or an empty shelf sold less."""
    mean = np.asarray(task.tables.public.mean)
    lifted = np.where(view.stock_out, np.maximum(view.sales, mean), view.sales)
    return np.where(view.seen[:, :, None], lifted, mean)
