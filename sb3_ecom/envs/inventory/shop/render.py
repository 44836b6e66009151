"""Picture of a web shop's warehouse: on hand, on order, and the last days' sales and empty shelves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.figures import legend_above, new_figure, to_pixels
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.inventory.shop.buyer_view import sales_and_stock_outs
from sb3_ecom.envs.inventory.shop.dynamics import Outcome
from sb3_ecom.envs.inventory.shop.params import ShopParams

_ROWS = 10  # items shown


def render(
    params: ShopParams, tables: TaskTables, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""
    mean = np.asarray(tables.public.mean)
    on_hand, due = np.asarray(state.hidden.on_hand[row]), np.asarray(state.hidden.pipeline[row]).sum(axis=1)
    history, items = np.asarray(state.tracked.history[row]), len(mean)
    sales, empty = sales_and_stock_outs(history, mean)
    lost = np.zeros(items) if outcome is None else np.asarray(outcome.lost[row])
    if mode == "ansi":
        return _table(on_hand, due, sales, empty, lost)
    return _picture(on_hand, due, sales, empty, lost, mean)


def _table(
    on_hand: NDArray[Any], due: NDArray[Any], sales: NDArray[Any], empty: NDArray[Any], lost: NDArray[Any]
) -> str:
    """Return a line for each of the first items."""
    head = f"{'item':>4} {'stock':>6} {'due':>6} {'sold':>6} {'lost':>6}  last days (. sale, o empty shelf)"
    rows = [
        f"{i:>4} {on_hand[i]:6.0f} {due[i]:6.0f} {sales[-1, i]:6.0f} {lost[i]:6.0f}  "
        + "".join(
            "o" if out else "." if units > 0 else " "
            for out, units in zip(empty[:, i], sales[:, i], strict=True)
        )
        for i in range(min(len(on_hand), _ROWS))
    ]
    return "\n".join([head, *rows])


def _picture(
    on_hand: NDArray[Any],
    due: NDArray[Any],
    sales: NDArray[Any],
    empty: NDArray[Any],
    lost: NDArray[Any],
    mean: NDArray[Any],
) -> Any:
    """Draw stock and deliveries on the left, the last days on the right."""
    items = min(len(on_hand), _ROWS)
    figure = new_figure()
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[2, 3])
    places = np.arange(items)
    left.barh(places, (on_hand / mean)[:items], color="tab:blue", label="on the shelf")
    due = due / mean
    left.barh(places, due[:items], left=(on_hand / mean)[:items], color="lightsteelblue", label="under way")
    left.set_xlabel("days of mean demand")
    left.set_ylabel("item, best seller first")
    left.set_yticks(places)
    left.invert_yaxis()
    legend_above(left)
    shade = np.log1p((sales / mean)[:, :items].T)
    right.imshow(shade, aspect="auto", cmap="Greens", vmin=0, vmax=2.5)
    days, which = np.nonzero(empty[:, :items])
    right.scatter(days, which, marker="x", color="tab:red", s=18)
    days_shown = np.arange(len(empty) - 1, -1, -3)
    right.set_xticks(days_shown, [f"{len(empty) - 1 - day}" for day in days_shown])
    right.set_xlabel("days ago: sales (green), empty shelf (x)")
    shown = f"{items} of {len(on_hand)} items" if items < len(on_hand) else f"{items} items"
    figure.suptitle(
        f"Warehouse, {shown} shown: {on_hand.sum():.0f} units on the shelves, {lost.sum():.0f} lost today",
        fontsize=10,
    )
    return to_pixels(figure)
