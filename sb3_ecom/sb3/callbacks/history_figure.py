"""One picture of a run: what the reward was made of, and how the metrics went."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

_PANELS = 8


class Moment(NamedTuple):
    """Values recorded at one time of the run."""

    timesteps: int
    terms: dict[str, float]  # weighted reward term -> mean per step
    metrics: dict[str, float]


def history_figure(moments: Sequence[Moment]) -> Figure:
    """Draw the reward terms in the first panel and one metric in each of the others."""
    names = list(moments[-1].metrics)[: _PANELS - 1]
    columns = min(4, len(names) + 1)
    rows = math.ceil((len(names) + 1) / columns)
    # Fixed margins: a layout engine would take half a second a picture.
    figure = Figure(figsize=(3.2 * columns, 2.4 * rows), dpi=100)
    figure.subplots_adjust(0.06, 0.24 / rows, 0.98, 1 - 0.16 / rows, wspace=0.32, hspace=0.45)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for name in moments[-1].terms:
        _line(axes[0], moments, [moment.terms.get(name, math.nan) for moment in moments], name)
    axes[0].set_title("reward terms per step", fontsize=9)
    axes[0].legend(fontsize=7, frameon=False)
    for axis, name in zip(axes[1:], names, strict=False):
        _line(axis, moments, [moment.metrics.get(name, math.nan) for moment in moments], name)
        axis.set_title(name.replace("_", " "), fontsize=9)
    for axis in axes:
        axis.tick_params(labelsize=7)
        axis.locator_params(nbins=4)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[len(names) + 1 :]:
        axis.set_visible(False)
    figure.supxlabel("timesteps", fontsize=8)
    return figure


def _line(axis: object, moments: Sequence[Moment], values: Sequence[float], label: str) -> None:
    axis.plot(  # type: ignore[attr-defined]
        [moment.timesteps for moment in moments], values, label=label, linewidth=1.2, marker=".", markersize=2
    )
