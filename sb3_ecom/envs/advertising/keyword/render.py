"""Pictures of the keywords: yesterday's bids, impressions, clicks and conversions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.figures import legend_above, new_figure, to_pixels
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.advertising.auctions import MICROS
from sb3_ecom.envs.advertising.keyword.dynamics import Outcome
from sb3_ecom.envs.advertising.keyword.params import KeywordParams
from sb3_ecom.envs.advertising.keyword.tracker import FEATURES, Tracked


def render(
    params: KeywordParams, tables: TaskTables, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return the keywords of copy `row` as a picture, or as a text (mode "ansi")."""
    draw = _keywords_text if mode == "ansi" else _keywords_picture
    return draw(params, state.tracked, row)


def _yesterday(params: KeywordParams, state: Tracked, row: int) -> NDArray[np.float64]:
    """Return (4, K): bid, impression share, clicks, conversions."""
    last = np.asarray(state.history[row, -1, 1:], dtype=np.float64).reshape(FEATURES, params.keywords)
    return np.stack([last[0] ** 2, last[1], (last[2] * 4) ** 2, (last[3] * 4) ** 2])


def _keywords_text(params: KeywordParams, state: Tracked, row: int) -> str:
    """Return the campaign as text."""
    bid, share, clicks, conversions = _yesterday(params, state, row)
    budget = float(state.budget[row]) / MICROS
    spent, met = float(state.last[row, 0]), float(state.last[row, 2])
    lines = [
        f"day {int(state.day[row])}/{params.days}   daily budget {budget:.2f}",
        f"yesterday: {spent:.0%} of it spent, {met:.0%} of searches met",
    ]
    for k in range(min(params.keywords, 20)):
        lines.append(
            f"  keyword {k}: bid {bid[k]:.2f}  impressions {share[k]:.0%}  clicks {clicks[k]:.0f}  "
            f"conversions {conversions[k]:.0f} x {float(state.revenue[row, k]):.2f}"
        )
    return "\n".join(lines)


def _keywords_picture(params: KeywordParams, state: Tracked, row: int) -> NDArray[np.uint8]:
    """Return the campaign as a picture."""
    bid, share, clicks, conversions = _yesterday(params, state, row)
    k = np.arange(params.keywords)
    figure = new_figure()
    upper, middle, lower = figure.subplots(3, 1, sharex=True)
    upper.bar(k - 0.2, bid, 0.4, label="bid yesterday")
    total = np.asarray(state.totals[row], dtype=np.float64)
    earned = total[:, 2] / np.maximum(total[:, 1], 1) * state.revenue[row]
    upper.bar(k + 0.2, earned, 0.4, label="earned per click so far")
    upper.set(ylabel="money a click")
    figure.suptitle(
        f"Keyword bids, day {int(state.day[row])} of {params.days}: {float(state.last[row, 0]):.0%} of "
        "yesterday's budget spent",
        fontsize=10,
    )
    middle.bar(k, share, label="impression share")
    middle.set(ylim=(0, 1.05), ylabel="share")
    lower.bar(k - 0.2, clicks, 0.4, label="clicks")
    lower.bar(k + 0.2, conversions, 0.4, label="conversions")
    lower.set(xlabel="keyword", ylabel="yesterday")
    lower.xaxis.get_major_locator().set_params(integer=True)
    for axis in (upper, middle, lower):
        legend_above(axis)
    return to_pixels(figure)
