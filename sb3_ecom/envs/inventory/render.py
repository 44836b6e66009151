"""Pictures and texts of a warehouse: units, flows and money of the last periods, and each place now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.figures import legend_above, new_figure, to_pixels

_COLOURS = {
    "demand": "black",
    "sales": "tab:green",
    "unmet": "tab:red",
    "lost": "tab:red",
    "backlog": "tab:red",
    "penalty": "tab:red",
    "unserved": "tab:red",
    "waste": "tab:brown",
    "wasted": "tab:brown",
    "holding": "tab:blue",
    "on hand": "tab:blue",
    "net stock": "tab:blue",
}
_CYCLE = ("tab:blue", "tab:orange", "tab:purple", "tab:cyan", "tab:olive", "tab:pink", "tab:gray")
_MOST_NAMES = 16  # of bars, so that they do not touch
Frame = tuple[Any, Any]  # (state, outcome) of one period


class Place(NamedTuple):
    """Units of one place, or of one delivery, now."""

    name: str
    stock: float  # units; negative = backlog
    due: float = 0.0  # units on the way to it


class Period(NamedTuple):
    """One period of one copy."""

    stock: Mapping[str, float]  # units after it
    flows: Mapping[str, float]  # units that were asked for, sold, ordered, lost
    money: Mapping[str, float]  # reward term -> signed money


def read_periods(
    frames: Sequence[Frame], read: Callable[[Any, Any], Period], state: Any, outcome: Any | None
) -> list[Period]:
    """Return the periods of earlier `frames` and of the last one, which has none before a first period."""
    return [read(*frame) for frame in (*frames, (state, outcome)) if frame[1] is not None]


def money_of(terms: Mapping[str, Array], row: int) -> dict[str, float]:
    """Return the signed money of copy `row` by reward term; what costs nothing is 0, not -0."""
    return {name: float(values[row]) + 0.0 for name, values in terms.items()}


def draw_stock(
    title: str, places: Sequence[Place], periods: Sequence[Period], mode: str, *, unit: str = "units"
) -> Any:
    """Draw the periods on the left and the places on the right.

    Args:
        title: of the task.
        places: what stands where now, in `unit`.
        periods: oldest first; none before the first decision.
        mode: "rgb_array" for a (480, 640, 3) uint8 picture, "ansi" for a text.
        unit: of the places.
    """
    if mode == "ansi":
        return "\n".join([title, "-" * 66, *_bars(places), *_last(periods)])
    figure = new_figure()
    grid = figure.add_gridspec(3, 2, width_ratios=[3, 2])
    axes = [figure.add_subplot(grid[row, 0]) for row in range(3)]
    ages = np.arange(len(periods)) - len(periods) + 1
    _lines(axes[0], ages, [period.stock for period in periods], "units in stock")
    _lines(axes[1], ages, [period.flows for period in periods], "units a period")
    _money(axes[2], ages, [period.money for period in periods])
    axes[2].set_xlabel("periods ago", fontsize=8)
    for axis in axes:
        axis.set_xlim(min(-20, *ages, 0) - 0.5, 0.5)
        axis.locator_params(axis="x", integer=True, nbins=6)
        axis.xaxis.set_major_formatter(lambda age, _: f"{abs(age):.0f}")
        axis.grid(alpha=0.3)
        axis.tick_params(labelsize=7)
    _now(figure.add_subplot(grid[:, 1]), places, unit)
    figure.suptitle(title, fontsize=11)
    return to_pixels(figure)


def _bars(places: Sequence[Place]) -> list[str]:
    longest = max(1.0, *(abs(place.stock) + place.due for place in places))
    rows = []
    for name, stock, due in places:
        stock += 0.0  # no -0
        filled, coming = (round(30 * abs(units) / longest) for units in (stock, due))
        mark = "#" if stock >= 0 else "!"
        numbers = f"{stock:8.4g}" + (f" +{due:<6.4g}" if due else " " * 8)
        rows.append(f"{name:>18} {numbers} {mark * filled}{'.' * coming}")
    return rows


def _last(periods: Sequence[Period]) -> list[str]:
    if not periods:
        return ["before the first period"]
    flows = "  ".join(f"{name} {units:.4g}" for name, units in periods[-1].flows.items())
    money = "  ".join(f"{name} {value:+.4g}" for name, value in periods[-1].money.items())
    return [f"last period: {flows}", f"money: {money}", f"total: {_mean_words(periods)}"]


def _mean_words(periods: Sequence[Period]) -> str:
    totals = [sum(period.money.values()) for period in periods]
    return f"{totals[-1]:+.4g}, mean of the last {len(totals)}: {np.mean(totals):+.4g} a period"


def _lines(axis: Any, ages: Any, values: Sequence[Mapping[str, float]], label: str) -> None:
    for name, colour in _colours(values):
        heights = [value[name] for value in values]
        style = {"ls": "--" if name == "demand" else "-", "marker": "." if len(ages) < 3 else ""}
        axis.plot(ages, heights, color=colour, label=name, lw=1.3, **style)
    axis.set_ylabel(label, fontsize=8)
    legend_above(axis, size=6)


def _money(axis: Any, ages: Any, values: Sequence[Mapping[str, float]]) -> None:
    above, below = np.zeros(len(ages)), np.zeros(len(ages))
    for name, colour in _colours(values):
        money = np.array([value[name] for value in values])
        axis.bar(ages, money, 0.9, bottom=np.where(money >= 0, above, below), color=colour, label=name)
        above, below = above + np.maximum(money, 0), below + np.minimum(money, 0)
    if len(ages):
        mean = float((above + below).mean())
        axis.axhline(mean, color="black", ls=":", lw=1.2, label=f"mean {mean:+.3g}")
    axis.axhline(0, color="black", lw=0.8)
    axis.set_ylabel("money a period", fontsize=8)
    legend_above(axis, size=6)


def _colours(values: Sequence[Mapping[str, float]]) -> list[tuple[str, str]]:
    """Return (name, colour) of every series; no two of a panel look the same."""
    names = list(values[-1]) if values else []
    found: list[tuple[str, str]] = []
    free = iter([colour for colour in _CYCLE * 3 if colour not in {_COLOURS.get(name) for name in names}])
    for name in names:
        found.append((name, _COLOURS.get(name) or next(free)))
    return found


def _now(axis: Any, places: Sequence[Place], unit: str) -> None:
    rows = np.arange(len(places))
    stock = np.array([place.stock for place in places])
    due = np.array([place.due for place in places])
    axis.barh(rows, np.maximum(stock, 0), color="tab:blue", label="on hand")
    if (stock < 0).any():
        axis.barh(rows, np.minimum(stock, 0), color="tab:red", label="backlog")
    if due.any():
        axis.barh(rows, due, left=np.maximum(stock, 0), color="lightsteelblue", label="on order")
    every = -(-len(places) // _MOST_NAMES)
    axis.set_yticks(rows[::every], [place.name for place in places][::every])
    axis.set_ylim(len(places) - 0.4, -0.6)
    axis.axvline(0, color="black", lw=0.8)
    axis.tick_params(labelsize=8)
    axis.set_xlabel(f"now, {unit}", fontsize=8)
    axis.locator_params(axis="x", nbins=5)
    axis.set_xlim(right=max(axis.get_xlim()[1], 1.0))
    legend_above(axis, size=6)
