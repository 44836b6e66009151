"""Pictures of the auction day: bids and prices, budget, conversions over the ticks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.figures import legend_above, new_figure, to_pixels
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.day_tables import DayTables
from sb3_ecom.envs.advertising.pacing.dynamics import MAX_LOG_MULTIPLIER, Outcome
from sb3_ecom.envs.advertising.pacing.params import PacingParams
from sb3_ecom.envs.advertising.pacing.tracker import Tracked
from sb3_ecom.envs.advertising.render import plot_budget_left


def render(
    params: PacingParams, tables: TaskTables, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return the day of copy `row` so far as a picture, or as a text (mode "ansi")."""
    if mode == "ansi":
        return _day_text(params, state.tracked, row)
    return _day_picture(params, tables.public, state.tracked, row)


class _Day(NamedTuple):
    """The ticks so far, (k,) each."""

    hour: Floats
    bid: Floats  # of mean value, relative to the median price
    price: Floats  # paid, likewise; NaN without a win
    spend: Floats  # share of the budget
    conversions: Floats
    neutral: Floats  # conversions that neutral quality would give


def _past_ticks(params: PacingParams, state: Tracked, row: int) -> _Day:
    """Undo the scaling of the history."""
    history = state.history[row].astype(np.float64)
    history = history[history[:, 0] > 0.5]
    hours = (np.arange(len(history)) + 0.5) * 24 / params.ticks
    price = np.where(history[:, 3] > 0, np.exp(history[:, 5] * 2), np.nan)
    spend = np.expm1(history[:, 4] * 2) / params.ticks
    conversions, neutral = (history[:, 6:] * 5).T ** 2
    return _Day(hours, np.exp(history[:, 1] * MAX_LOG_MULTIPLIER), price, spend, conversions, neutral)


def _day_text(params: PacingParams, state: Tracked, row: int) -> str:
    """Return the day as text."""
    day = _past_ticks(params, state, row)
    tick, budget = int(state.tick[row]), float(state.budget[row])
    left, money = float(state.left[row]) / max(budget, 1.0), budget / MICROS * params.price_median
    lines = [
        f"tick {tick}/{params.ticks}   budget {money:.0f}   left {left:.1%}",
        f"bid {np.exp(float(state.log_multiplier[row])):.2f} x median price for mean value",
        f"conversions {day.conversions.sum():.0f} (neutral quality: {day.neutral.sum():.0f})",
    ]
    for k in range(max(0, tick - 6), tick):
        lines.append(
            f"  {day.hour[k]:5.2f}h  bid {day.bid[k]:.2f}  paid {day.price[k]:.2f}  "
            f"spent {day.spend[k]:.1%}  conversions {day.conversions[k]:.0f}"
        )
    return "\n".join(lines)


def _day_picture(params: PacingParams, tables: DayTables, state: Tracked, row: int) -> NDArray[np.uint8]:
    """Return the day as a picture."""
    day = _past_ticks(params, state, row)
    figure = new_figure()
    upper, middle, lower = figure.subplots(3, 1, sharex=True)
    upper.plot(day.hour, day.bid, "o-", ms=3, label="bid for mean value")
    upper.plot(day.hour, day.price, "s-", ms=3, label="price paid")
    upper.set(ylabel="x median price", yscale="log", xlim=(0, 24), ylim=(0.04, 20))
    plot_budget_left(middle, day.hour, day.spend, tables.traffic_left)
    lower.bar(day.hour, day.conversions, 24 / params.ticks * 0.9, label="conversions")
    lower.plot(day.hour, day.neutral, "k.", label="at neutral quality")
    lower.set(ylabel="per tick", xlabel="hour", xticks=range(0, 25, 3))
    for axis in (upper, middle, lower):
        legend_above(axis)
        axis.grid(alpha=0.3)
    left = float(state.left[row]) / max(float(state.budget[row]), 1.0)
    figure.suptitle(
        f"Budget pacing, tick {int(state.tick[row])} of {params.ticks}: {left:.0%} of the budget left, "
        f"{day.conversions.sum():.0f} conversions",
        fontsize=10,
    )
    return to_pixels(figure)
