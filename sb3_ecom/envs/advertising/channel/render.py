"""Pictures of the last week of a campaign: spends by channel, and how revenue runs against plan."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.advertising.channel.dynamics import Outcome, Tables
from sb3_ecom.envs.advertising.channel.params import ChannelParams
from sb3_ecom.envs.advertising.channel.tracker import Tracked
from sb3_ecom.envs.advertising.render import new_figure, to_picture


def render(
    params: ChannelParams, tables: TaskTables, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return the last week of copy `row` as a picture, or as a text (mode "ansi")."""
    if mode == "ansi":
        return _week_text(params, state.tracked, row)
    return _week_picture(params, tables.public, state.tracked, row)


def _week_text(params: ChannelParams, state: Tracked, row: int) -> str:
    """Return the campaign as text."""
    lines = [
        f"day {int(state.day[row])}/{params.days}   account {float(state.account[row]):.2f} days of income",
        f"season's height on day {float(state.peak[row]):.0f}   revenue {float(state.earned[row].sum()):.1f}",
    ]
    for k in range(params.channels):
        planned = float(state.planned[row, k])
        index = float(state.earned[row, k]) / planned if planned > 0 else 1.0
        lines.append(f"  channel {k}: stock {float(state.stock[row, k]):.2f}  revenue over plan {index:.2f}")
    return "\n".join(lines)


def _week_picture(params: ChannelParams, tables: Tables, state: Tracked, row: int) -> NDArray[np.uint8]:
    """Return the campaign as a picture."""
    k = params.channels
    history = state.history[row].astype(np.float64)
    history = history[history[:, 0] > 0.5]
    days = int(state.day[row]) - len(history) + np.arange(len(history))
    figure = new_figure()
    upper, lower = figure.subplots(2, 1)
    base = np.zeros(len(history))
    for channel in range(k):
        upper.bar(days, history[:, 1 + channel], bottom=base, label=f"channel {channel}")
        base = base + history[:, 1 + channel]
    upper.axhline(float(state.account[row]), color="k", ls="--", lw=1, label="account")
    upper.set(ylabel="spend (days of income)", xlabel="day")
    names = np.arange(k)
    planned = np.maximum(state.planned[row].astype(np.float64), 1e-9)
    lower.bar(names - 0.2, state.earned[row] / planned, 0.4, label="revenue over plan")
    lower.bar(names + 0.2, state.stock[row] / tables.saturation, 0.4, label="stock over saturation")
    lower.axhline(1.0, color="k", lw=0.5)
    lower.set(xlabel="channel", xticks=names)
    for axis in (upper, lower):
        axis.set_ylim(0, 1.3 * axis.get_ylim()[1])  # room for the legend above the bars
        axis.legend(fontsize=7, loc="upper left", ncols=4)
    return to_picture(figure)
