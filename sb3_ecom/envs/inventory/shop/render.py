"""Picture of a web shop's warehouse: on hand, on order, and the last days' sales and empty shelves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.figures import legend_above, new_figure, to_pixels
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.inventory.shop.buyer_view import sales_and_stock_outs
from sb3_ecom.envs.inventory.shop.dynamics import Outcome

_ROWS = 10  # items shown
_CHARACTERS = 12  # of a name in the picture: a hash is longer


def render(
    names: Sequence[str], tables: TaskTables, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`.

    `names` are the items'.
    """
    mean = np.asarray(tables.public.mean)
    on_hand, due = np.asarray(state.hidden.on_hand[row]), np.asarray(state.hidden.pipeline[row]).sum(axis=1)
    history, items = np.asarray(state.tracked.history[row]), len(mean)
    sales, empty = sales_and_stock_outs(history, mean)
    lost = np.zeros(items) if outcome is None else np.asarray(outcome.lost[row])
    if mode == "ansi":
        return _table(names, on_hand, due, sales, empty, lost)
    return _picture(names, on_hand, due, sales, empty, lost, mean)


def _table(
    names: Sequence[str],
    on_hand: NDArray[Any],
    due: NDArray[Any],
    sales: NDArray[Any],
    empty: NDArray[Any],
    lost: NDArray[Any],
) -> str:
    """Return a line for each of the first items."""
    shown = min(len(on_hand), _ROWS)
    width = max(4, *(len(name) for name in names[:shown]))
    heads = "".join(f" {head:>6}" for head in ("stock", "due", "sold", "lost"))
    rows = [
        f"{names[i]:>{width}} {on_hand[i]:6.0f} {due[i]:6.0f} {sales[-1, i]:6.0f} {lost[i]:6.0f}  "
        + "".join(
            "o" if out else "." if units > 0 else " "
            for out, units in zip(empty[:, i], sales[:, i], strict=True)
        )
        for i in range(shown)
    ]
    return "\n".join([f"{'item':>{width}}{heads}  last days (. sale, o empty shelf)", *rows])


def _picture(
    names: Sequence[str],
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
    left.set_yticks(places, [_short(name) for name in names[:items]], fontsize=8)
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


def _short(name: str) -> str:
    """Return a name, or its beginning where it is too long for the picture."""
    return name if len(name) <= _CHARACTERS else f"{name[: _CHARACTERS - 1]}\N{HORIZONTAL ELLIPSIS}"
