"""Textbook estimate of a drifting demand rate from discounted sales and exposure."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.shop.tables import PublicTables

_MEMORY = 1 - 1 / 22  # discount of a day in sales and exposure
_PRIOR = 5.0  # days of mean sales that the estimate starts with


def calendar_factor(table: Array, weekday: Array, day: Array) -> Array:
    """Return the (n, 1) factor of each copy's date in a (7, 365) table."""
    xp = array_namespace(weekday)
    index = xp.astype(weekday * 365.0 + day, xp.int64)
    return xp.reshape(table, (-1,))[index][:, None]


def rate_factor(sold: Array, exposure: Array, tables: PublicTables) -> Array:
    """Return the estimated rate over the mean rate, (n, N); 1 before anything is known."""
    prior = tables.mean * _PRIOR
    return (sold + prior) / (exposure + prior)


def update(
    sold: Array, exposure: Array, sales: Array, stock_out: Array, factor: Array, tables: PublicTables
) -> tuple[Array, Array]:
    """Return discounted sales and exposure after a day; an emptied shelf never lowers the estimate.

    `sold` and `exposure` are (n, N) units sold, and units that an item of mean rate would have sold;
    `factor`, (n, 1) or (n, N), is that of the day's date and promotions.
    """
    xp = array_namespace(sold)
    at_mean_rate = factor * tables.mean
    explained = xp.minimum(at_mean_rate, sales / rate_factor(sold, exposure, tables))
    exposed = xp.where(stock_out, explained, at_mean_rate)
    return sold * _MEMORY + sales, exposure * _MEMORY + exposed
