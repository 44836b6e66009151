"""Picture of a season: the paths of prices and of stocks, up to now."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.rendering import text_bar
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.pricing.season.dynamics import Outcome, Tables
from sb3_ecom.envs.pricing.season.params import SeasonParams
from sb3_ecom.envs.pricing.season.tracker import Tracked, units_of

Values = NDArray[np.float64]


class Path(NamedTuple):
    """Season of one copy so far: T periods, K products."""

    period: Values  # (T,) number of the period
    price: Values  # (T, K) money
    stock: Values  # (T + 1, K) units at the start of each period, and now


def path_of(params: SeasonParams, tables: Tables, tracked: Tracked, row: int) -> Path:
    """Return the remembered part of a copy's season."""
    k = params.products
    kept = np.asarray(tracked.path[row], dtype=np.float64)
    kept = kept[kept[:, 0] > 0.5]
    sales = np.asarray(units_of(kept[:, 1 + k :]))
    now = np.asarray(tracked.stock[row], dtype=np.float64)
    before = now + np.cumsum(sales[::-1], axis=0)[::-1]
    first = int(tracked.period[row]) - len(kept)
    price = np.exp(kept[:, 1 : 1 + k]) * np.asarray(tables.price)
    return Path(first + np.arange(len(kept), dtype=np.float64), price, np.vstack([before, now]))


def render(
    params: SeasonParams, tables: TaskTables, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""
    path = path_of(params, tables.public, state.tracked, row)
    if mode == "ansi":
        return _text(params, state.tracked, path, row)
    return _picture(params, path)


def _text(params: SeasonParams, tracked: Tracked, path: Path, row: int) -> str:
    lines = [f"period {int(tracked.period[row])}/{params.periods}"]
    for k in range(params.products):
        left, full = int(path.stock[-1, k]), params.stock[k]
        price = float(tracked.factor[row, k]) * params.price[k]
        sold = int(path.stock[-2, k] - left) if len(path.period) else 0
        lines.append(
            f"  product {k + 1}: price {price:8.2f}  sold {sold:4d}  left {left:4d} {text_bar(left / full)}"
        )
    lines.append(f"units left {int(path.stock[-1].sum())}")
    return "\n".join(lines)


def _picture(params: SeasonParams, path: Path) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), dpi=100, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True)
    edges = np.append(path.period, path.period[-1] + 1) if len(path.period) else np.zeros(1)
    for k in range(params.products):
        colour = f"C{k % 10}"
        if len(path.period):
            upper.stairs(path.price[:, k] / params.price[k], edges, color=colour, baseline=None, lw=1.8)
        lower.plot(edges, path.stock[:, k], color=colour, lw=1.8, label=f"product {k + 1}")
        lower.plot([0, params.periods], [params.stock[k], 0], color=colour, lw=0.7, ls=":")
    for bound in (params.floor, params.cap):
        upper.axhline(bound, color="grey", lw=0.8, ls="--")
    upper.set(ylabel="price / reference price", ylim=(0, 1.08 * params.cap))
    upper.set_title("price (dashed: floor and cap) and stock (dotted: sold evenly)", fontsize=10)
    lower.set(xlabel="period", ylabel="units in stock", xlim=(0, params.periods), ylim=(0, None))
    lower.legend(fontsize=7, loc="upper right", ncols=4)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
