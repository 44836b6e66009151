"""Pictures of a visit: fatigue, impressions and clicks by creative."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.figures import legend_above, new_figure, to_pixels
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.advertising.targeting.dynamics import Outcome
from sb3_ecom.envs.advertising.targeting.params import TargetParams
from sb3_ecom.envs.advertising.targeting.tracker import HISTORY, Tracked


def render(
    params: TargetParams, tables: TaskTables, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return the visit of copy `row` as a picture, or as a text (mode "ansi")."""
    draw = _visit_text if mode == "ansi" else _visit_picture
    return draw(params, state.tracked, row)


def _visit_text(params: TargetParams, state: Tracked, row: int) -> str:
    """Return the visit as text."""
    lines = [
        f"page {int(state.page[row])}/{params.pages}   impressions left {int(state.impressions_left[row])}",
        f"clicks {int(state.clicks[row].sum())} of {int(state.shown[row].sum())} impressions",
    ]
    for k in range(params.creatives):
        clicks, shown = int(state.clicks[row, k]), int(state.shown[row, k])
        lines.append(f"  creative {k}: fatigue {int(state.fatigue[row, k])}  clicks {clicks}/{shown}")
    return "\n".join(lines)


def _visit_picture(params: TargetParams, state: Tracked, row: int) -> NDArray[np.uint8]:
    """Return the visit as a picture."""
    k = params.creatives
    figure = new_figure()
    upper, lower = figure.subplots(2, 1)
    history = np.asarray(state.history[row], dtype=np.float64)
    pages = int(state.page[row]) - HISTORY + np.arange(HISTORY)
    for page, entry in zip(pages, history, strict=True):
        if entry[0] < 0.5:
            continue
        shown = int(entry[2:].argmax()) if entry[2:].any() else k
        upper.plot(page, shown, "o", ms=14, mfc="tab:green" if entry[1] else "white", mec="tab:blue")
    upper.set(xlabel="page", ylim=(-0.6, k + 0.6), yticks=range(k + 1))
    upper.set_yticklabels([*(f"creative {i}" for i in range(k)), "none"])
    upper.set_title("shown on the last pages (green: clicked)", fontsize=8, loc="left")
    figure.suptitle(
        f"Targeting, page {int(state.page[row])} of {params.pages}: {int(state.clicks[row].sum())} clicks of "
        f"{int(state.shown[row].sum())} impressions",
        fontsize=10,
    )
    places = np.arange(k)
    lower.bar(places - 0.27, state.fatigue[row], 0.25, label="fatigue")
    lower.bar(places, state.shown[row], 0.25, label="impressions")
    lower.bar(places + 0.27, state.clicks[row], 0.25, label="clicks")
    lower.set(xlabel="creative", ylabel="count in this visit", xticks=places)
    lower.yaxis.get_major_locator().set_params(integer=True)
    legend_above(lower)
    return to_pixels(figure)
