"""Pictures of the last week of a campaign: spends by channel, and how revenue runs against plan."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.figures import legend_above, new_figure, to_pixels
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.advertising.channel.dynamics import Outcome, Tables
from sb3_ecom.envs.advertising.channel.params import ChannelParams
from sb3_ecom.envs.advertising.channel.tracker import Tracked


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
    account = float(state.account[row])
    upper.axhline(account, color="k", ls="--", lw=1, label="left in the account")
    upper.set(ylabel="spend (days of income)", xlabel="day")
    upper.xaxis.get_major_locator().set_params(integer=True)
    revenue = float(state.earned[row].sum())
    figure.suptitle(
        f"Channel budgets, day {int(state.day[row])} of {params.days}: revenue {revenue:.1f}, "
        f"{account:.2f} days of income left",
        fontsize=10,
    )
    names = np.arange(k)
    planned = np.maximum(state.planned[row].astype(np.float64), 1e-9)
    lower.bar(names - 0.2, state.earned[row] / planned, 0.4, label="revenue over plan")
    lower.bar(names + 0.2, state.stock[row] / tables.saturation, 0.4, label="stock over saturation")
    lower.axhline(1.0, color="k", lw=0.5)
    lower.set(xlabel="channel", ylabel="ratio", xticks=names)
    for axis in (upper, lower):
        legend_above(axis, columns=8)
    return to_pixels(figure)
