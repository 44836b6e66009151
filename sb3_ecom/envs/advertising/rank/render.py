"""Pictures of the last days of a platform: users, advertisers, prices and clicks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Floats
from sb3_ecom.core.figures import legend_above, new_figure, to_pixels
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.advertising.rank.dynamics import MAX_LOG_RESERVE, Outcome
from sb3_ecom.envs.advertising.rank.params import RankParams
from sb3_ecom.envs.advertising.rank.tracker import Tracked


def render(
    params: RankParams, tables: TaskTables, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return the last days of copy `row` as a picture, or as a text (mode "ansi")."""
    draw = _market_text if mode == "ansi" else _market_picture
    return draw(params, state.tracked, row)


def _days(state: Tracked, row: int) -> tuple[Floats, Floats]:
    """Return (day, (k, FEATURES)) of the remembered days."""
    history = np.asarray(state.history[row], dtype=np.float64)
    history = history[history[:, 0] > 0.5]
    days = np.arange(len(history), dtype=np.float64) + (float(state.day[row]) - len(history) + 1.0)
    return days, history


def _market_text(params: RankParams, state: Tracked, row: int) -> str:
    """Return the market as text."""
    lines = [
        f"day {int(state.day[row])}/{params.days}   {params.pricing}",
        f"users active {float(state.active[row]):.0%}   advertisers {float(state.present[row]):.0%}",
    ]
    days, history = _days(state, row)
    if not len(days):
        lines.append("no page sold yet")
    for day, past in zip(days, history, strict=True):
        lines.append(
            f"  day {day:2.0f}: reserve {np.exp(past[2] * MAX_LOG_RESERVE):.2f}  g {past[3]:.2f}  "
            f"mean bid {np.exp(past[1]):.2f}  sold {past[5]:.0%}  revenue/page {np.expm1(past[4]) / 10:.3f}"
        )
    return "\n".join(lines)


def _market_picture(params: RankParams, state: Tracked, row: int) -> NDArray[np.uint8]:
    """Return the market as a picture."""
    days, past = _days(state, row)
    figure = new_figure()
    upper, middle, lower = figure.subplots(3, 1)
    upper.plot(days, np.exp(past[:, 2] * MAX_LOG_RESERVE), "o-", ms=4, label="reserve per click")
    upper.plot(days, np.exp(past[:, 1]), "s-", ms=4, label="mean bid (geometric)")
    upper.set(yscale="log", ylim=(0.05, 20), ylabel="money per click")
    figure.suptitle(
        f"Ad ranking, {params.pricing.upper()}, day {int(state.day[row])} of {params.days}; quality exponent "
        f"{float(state.exponent[row]):.2f}",
        fontsize=10,
    )
    middle.bar(days, np.expm1(past[:, 4]) / 10, 0.6, label="revenue per page")
    middle.set(ylim=(0, None), xlabel="day", ylabel="money a page")
    names = ["users active", "advertisers", "exposure sold", "clicks / median page"]
    shares = [float(state.active[row]), float(state.present[row])]
    shares += [float(past[-1, 5]), float(past[-1, 6])] if len(days) else [0.0, 0.0]
    lower.barh(np.arange(4), shares, 0.6, color=["tab:green", "tab:purple", "tab:blue", "tab:orange"])
    lower.set(yticks=np.arange(4), yticklabels=names, xlim=(0, max(1.0, *shares) * 1.05))
    lower.set_xlabel("share; clicks: over those of a page at median bids")
    for axis in (upper, middle):
        axis.set(xlim=(min(days, default=1) - 0.6, max(days, default=1) + 0.6))
        axis.xaxis.get_major_locator().set_params(integer=True)
        legend_above(axis)
        axis.grid(alpha=0.3)
    return to_pixels(figure)
