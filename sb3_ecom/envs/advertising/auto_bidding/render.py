"""Pictures of the bidding day: multipliers, budget, conversions and their cost over the ticks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.figures import legend_above, new_figure, to_pixels
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.auto_bidding.dynamics import MAX_LOG_MULTIPLIER, Outcome
from sb3_ecom.envs.advertising.auto_bidding.params import AutoParams
from sb3_ecom.envs.advertising.auto_bidding.tracker import Tracked
from sb3_ecom.envs.advertising.day_tables import DayTables
from sb3_ecom.envs.advertising.render import plot_budget_left


def render(
    params: AutoParams, tables: TaskTables, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return the day of copy `row` so far as a picture, or as a text (mode "ansi")."""
    if mode == "ansi":
        return _day_text(params, state.tracked, row)
    return _day_picture(params, tables.public, state.tracked, row)


class _Day(NamedTuple):
    """The ticks so far, (k,) each but for the bids."""

    hour: Floats
    bids: Floats  # (k, 3) multiples of target x predicted value
    spend: Floats  # share of the budget
    predicted: Floats  # conversions
    conversions: Floats


def _past_ticks(params: AutoParams, state: Tracked, row: int) -> _Day:
    """Undo the scaling of the history."""
    past = np.asarray(state.history[row], dtype=np.float64)
    past = past[past[:, 0] > 0.5]
    even = float(state.budget[row]) / MICROS / (float(state.target[row]) * params.ticks)
    return _Day(
        (np.arange(len(past)) + 0.5) * 24 / params.ticks,
        np.exp(past[:, 1:4] * MAX_LOG_MULTIPLIER),
        np.expm1(past[:, 7] * 2) / params.ticks,
        np.expm1(past[:, 8] * 2) * even,
        np.expm1(past[:, 9] * 2) * even,
    )


def _day_text(params: AutoParams, state: Tracked, row: int) -> str:
    """Return the day as text."""
    day = _past_ticks(params, state, row)
    budget, left = float(state.budget[row]) / MICROS, float(state.left[row]) / MICROS
    bought = float(state.totals[row, 0])
    cost = f"{(budget - left) / bought:.1f}" if bought else "-"
    lines = [
        f"tick {int(state.tick[row])}/{params.ticks}   budget {budget:.0f}   left {left / budget:.1%}",
        f"target {float(state.target[row]):.1f} per conversion   paid {cost}",
        f"conversions {bought:.0f} (predicted {float(state.totals[row, 1]):.1f})",
    ]
    for k in range(max(0, len(day.hour) - 6), len(day.hour)):
        bids = " ".join(f"{bid:.2f}" for bid in day.bids[k])
        lines.append(
            f"  {day.hour[k]:5.2f}h  bids {bids} x target  spent {day.spend[k]:.1%}  "
            f"conversions {day.conversions[k]:.0f}"
        )
    return "\n".join(lines)


def _day_picture(params: AutoParams, tables: DayTables, state: Tracked, row: int) -> NDArray[np.uint8]:
    """Return the day as a picture."""
    day = _past_ticks(params, state, row)
    figure = new_figure()
    upper, middle, lower = figure.subplots(3, 1, sharex=True)
    one = bool(np.all(day.bids == day.bids[:, :1]))  # the same bid in every slot
    shown = day.bids[:, :1] if one else day.bids
    for k in range(shown.shape[1]):
        upper.plot(day.hour, shown[:, k], "o-", ms=3, label=f"slot {k + 1}" if shown.shape[1] > 1 else "bid")
    upper.axhline(1.0, color="gray", ls="--", lw=1)
    upper.set(ylabel="x target", yscale="log", xlim=(0, 24), ylim=(0.2, 5))
    upper.set_yticks([0.25, 0.5, 1, 2, 4], labels=["1/4", "1/2", "1", "2", "4"])
    upper.minorticks_off()
    plot_budget_left(middle, day.hour, day.spend, tables.traffic_left)
    lower.plot(day.hour, np.cumsum(day.conversions), "o-", ms=3, label="conversions so far")
    lower.plot(day.hour, np.cumsum(day.predicted), "k--", lw=1, label="predicted")
    money = np.cumsum(day.spend) * float(state.budget[row]) / MICROS / float(state.target[row])
    lower.plot(day.hour, money, "r:", label="paid for, on target")
    lower.set(ylabel="conversions", xlabel="hour", xticks=range(0, 25, 3), ylim=(0, None))
    for axis in (upper, middle, lower):
        legend_above(axis)
        axis.grid(alpha=0.3)
    budget, left = float(state.budget[row]) / MICROS, float(state.left[row]) / MICROS
    bought = float(state.totals[row, 0])
    cost = f"{(budget - left) / bought:.2f}" if bought else "-"
    figure.suptitle(
        f"Auto-bidding, tick {int(state.tick[row])} of {params.ticks}: {left / budget:.0%} of budget left, "
        f"{cost} paid a conversion (target {float(state.target[row]):.2f})",
        fontsize=9,
    )
    return to_pixels(figure)
