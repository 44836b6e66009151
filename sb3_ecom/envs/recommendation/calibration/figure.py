"""The picture of the fidelity report: log and simulation in four panels."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Curve = tuple[NDArray[Any], NDArray[Any]]  # x, y

_LOG, _SIMULATION = "#264653", "#e76f51"
_DRAWN_ITEMS, _DRAWN_TRANSITIONS = 200, 2000
_AT_RISK = 50  # sessions that an exit hazard is worth drawing from


def draw(file: BinaryIO, log: Any, simulation: Any, title: str) -> None:
    """Write a PNG of 1200 x 900 pixels.

    Args:
        file: where the PNG goes.
        log: sessions with `session` (clicks,), `item` (clicks,) and `num_items`.
        simulation: the same of a simulation.
        title: over the picture.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 9), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    panels = figure.subplots(2, 2).ravel()
    for sessions, colour, label in ((log, _LOG, "log"), (simulation, _SIMULATION, "simulation")):
        lengths = np.bincount(sessions.session)
        panels[0].plot(*survival(lengths), color=colour, label=label, lw=2)
        panels[1].plot(*exit_hazard(lengths), color=colour, label=label, lw=2, marker="o", ms=3)
        panels[2].plot(*popularity(sessions.item), color=colour, label=label, lw=2)
    _label(panels[0], "session length", "clicks k", "share of sessions with >= k clicks", "log", "log")
    _label(panels[1], "exit hazard", "after click k", "P(leave)", "linear", "linear")
    _label(panels[2], "item popularity", "most clicked items", "share of all clicks", "log", "linear")
    _scatter(panels[3], log, simulation)
    figure.savefig(file, format="png")


def survival(lengths: NDArray[Any]) -> Curve:
    """Return k and the share of sessions with at least k clicks."""
    counts = np.bincount(lengths[lengths > 0])
    at_least = np.cumsum(counts[::-1])[::-1][1:]
    return np.arange(1, len(counts)), at_least / at_least[0]


def exit_hazard(lengths: NDArray[Any], longest: int = 30) -> Curve:
    """Return k and P(no further click | k clicks), where enough sessions get so far."""
    counts = np.bincount(lengths[lengths > 0])
    at_risk = np.cumsum(counts[::-1])[::-1][1:]
    known = np.flatnonzero(at_risk >= min(_AT_RISK, at_risk[0]))[:longest]
    return known + 1, counts[1:][known] / at_risk[known]


def popularity(item: NDArray[Any]) -> Curve:
    """Return rank r and the share of clicks on the r most clicked items."""
    counts = np.sort(np.bincount(item))[::-1]
    return np.arange(1, len(counts) + 1), np.cumsum(counts) / counts.sum()


def transitions(sessions: Any, items: NDArray[Any]) -> NDArray[np.int64]:
    """Return (k, k) counts of a click on item a followed by one on item b, both among `items`."""
    place = np.full(sessions.num_items, -1, dtype=np.int64)
    place[items] = np.arange(len(items))
    last, following = place[sessions.item[:-1]], place[sessions.item[1:]]
    used = (sessions.session[1:] == sessions.session[:-1]) & (last >= 0) & (following >= 0)
    size = len(items)
    counts = np.bincount(last[used] * size + following[used], minlength=size * size)
    return counts.reshape(size, size)


def _scatter(panel: Any, log: Any, simulation: Any) -> None:
    """Draw the log's most frequent transitions: their probability in the simulation against the log's."""
    items = np.argsort(-np.bincount(log.item, minlength=log.num_items), kind="stable")[:_DRAWN_ITEMS]
    counts = [transitions(sessions, items) for sessions in (log, simulation)]
    drawn = np.argsort(-counts[0], axis=None, kind="stable")[:_DRAWN_TRANSITIONS]
    shares = [count / np.maximum(count.sum(1, keepdims=True), 1) for count in counts]
    ends = (1e-3, 1.0)
    panel.plot(ends, ends, color="grey", lw=1)
    points = [np.clip(share.ravel()[drawn], *ends) for share in shares]
    panel.scatter(*points, s=8, alpha=0.4, color=_SIMULATION)
    title = f"next item given the last, {len(items)} most clicked"
    _label(panel, title, "P in the log", "P in the simulation", "log", "log", legend=False)


def _label(panel: Any, title: str, x: str, y: str, xscale: str, yscale: str, *, legend: bool = True) -> None:
    panel.set(title=title, xlabel=x, ylabel=y, xscale=xscale, yscale=yscale)
    panel.grid(alpha=0.3)
    if legend:
        panel.legend()
