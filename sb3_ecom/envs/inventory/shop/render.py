"""The warehouse of a web shop over the last days: shelf, deliveries, sales and empty shelves per item."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.envs.inventory.render import new_figure, to_pixels

_ROWS = 10  # items shown


def draw_shop(
    stock: NDArray[Any],
    pipeline: NDArray[Any],
    history: NDArray[Any],
    mean: NDArray[Any],
    outcome: Any | None,
    row: int,
    mode: str,
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi")."""
    items = min(len(stock), _ROWS)
    sales = np.expm1(history[:, 1 : 1 + len(stock)]) * mean
    empty = history[:, 1 + len(stock) :] > 0
    lost = np.zeros(len(stock)) if outcome is None else np.asarray(outcome.lost[row])
    if mode == "ansi":
        head = (
            f"{'item':>4} {'stock':>6} {'due':>6} {'sold':>6} {'lost':>6}  last days (. sale, o empty shelf)"
        )
        rows = [
            f"{i:>4} {stock[i]:6.0f} {pipeline[i].sum():6.0f} {sales[-1, i]:6.0f} {lost[i]:6.0f}  "
            + "".join(
                "o" if out else "." if units > 0 else " "
                for out, units in zip(empty[:, i], sales[:, i], strict=True)
            )
            for i in range(items)
        ]
        return "\n".join([head, *rows])
    figure = new_figure()
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[2, 3])
    places = np.arange(items)
    left.barh(places, (stock / mean)[:items], color="tab:blue", label="on the shelf")
    due = pipeline.sum(axis=1) / mean
    left.barh(places, due[:items], left=(stock / mean)[:items], color="lightsteelblue", label="under way")
    left.set_xlabel("days of mean demand")
    left.set_ylabel("item, best seller first")
    left.set_yticks(places)
    left.invert_yaxis()
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2, fontsize=7, frameon=False)
    shade = np.log1p((sales / mean)[:, :items].T)
    right.imshow(shade, aspect="auto", cmap="Greens", vmin=0, vmax=2.5)
    days, which = np.nonzero(empty[:, :items])
    right.scatter(days, which, marker="x", color="tab:red", s=18)
    right.set_xlabel("last days: sales (green), empty shelf (x)")
    figure.suptitle(
        f"Warehouse: {stock.sum():.0f} units on the shelves, {lost.sum():.0f} lost today", fontsize=10
    )
    return to_pixels(figure)
