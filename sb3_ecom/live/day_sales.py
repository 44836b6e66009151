"""Sales of one day of a shop, by SKU, and the dates of a calendar as the simulated year counts them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, kw_only=True)
class DaySales:
    """What a shop sold in a day.

    Attributes:
        day: date.
        sold: units by SKU; a SKU that is not named sold nothing.
        empty: SKUs whose shelf was empty in the evening, before deliveries came in: they may have sold more.
            None: not known.
    """

    day: date
    sold: Mapping[str, float] = field(default_factory=dict)
    empty: Collection[str] | None = None

    def to_record(self) -> list[Any]:
        """Return date, units and empty shelves as JSON takes them."""
        return [self.day.isoformat(), dict(self.sold), None if self.empty is None else sorted(self.empty)]


def as_date(value: Any, what: str) -> date:
    """Return a date, given one or its ISO text.

    Raises:
        ValueError: on anything else.
    """
    if isinstance(value, date):
        return value if type(value) is date else date(value.year, value.month, value.day)
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be a date or a text such as 2026-11-27, got {value!r}") from None


def read_sales(sales: Iterable[DaySales | Sequence[Any]] | None) -> list[DaySales]:
    """Return the days, given as `DaySales` or as (date, {sku: units}) or (date, {sku: units}, empty skus).

    Raises:
        ValueError: on another form, or if a day is missing, repeated or out of order.
    """
    days = [each if isinstance(each, DaySales) else _read(each) for each in sales or ()]
    for before, after in pairwise(days):
        if after.day != before.day + timedelta(days=1):
            raise ValueError(
                f"sales must hold every day once, oldest first (a day without sales as {{}}): "
                f"{before.day} is followed by {after.day}"
            )
    return days


def _read(each: Sequence[Any]) -> DaySales:
    if isinstance(each, str) or not isinstance(each, Sequence) or len(each) not in (2, 3):
        raise ValueError(f"a day of sales must be (date, {{sku: units}}, empty skus), got {each!r}")
    day, sold, *empty = each
    if not isinstance(sold, Mapping):
        raise ValueError(f"the units sold on {day} must be a mapping by SKU, got {sold!r}")
    return DaySales(day=as_date(day, "day of sales"), sold=sold, empty=empty[0] if empty else None)


def check_last_day(days: Sequence[DaySales], today: date) -> None:
    """Raise ValueError unless the sales end yesterday."""
    yesterday = today - timedelta(days=1)
    if days and days[-1].day != yesterday:
        raise ValueError(
            f"sales must end on {yesterday}, the day before the orders (a day without sales as {{}}), "
            f"got {days[-1].day}"
        )


def calendar_day(day: date) -> tuple[float, float]:
    """Return weekday (0 = Monday) and day of a year of 365 days (0 = January 1st).

    February 29th counts as the 28th.
    """
    number = day.timetuple().tm_yday - 1
    leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
    return float(day.weekday()), float(number - (leap and number >= 59))
