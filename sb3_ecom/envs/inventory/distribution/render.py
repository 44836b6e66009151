"""Picture of a warehouse and its retailers: on hand, backlog and under way, in periods of mean demand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.distribution.dynamics import Outcome
from sb3_ecom.envs.inventory.distribution.params import DistributionParams
from sb3_ecom.envs.inventory.render import new_figure, to_pixels


def render(
    params: DistributionParams, tables: Any, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""
    system = state.hidden
    unmet = np.zeros(params.retailers) if outcome is None else np.asarray(outcome.unmet[row])
    warehouse = (float(system.on_hand[row]), float(np.asarray(system.inbound[row]).sum()))
    net, under_way = np.asarray(system.net[row]), np.asarray(system.outbound[row]).sum(axis=1)
    if mode == "ansi":
        return _table(warehouse, net, under_way, unmet)
    return _picture(warehouse, net, under_way, unmet, np.array(params.means))


def _table(
    warehouse: tuple[float, float], net: NDArray[Any], under_way: NDArray[Any], unmet: NDArray[Any]
) -> str:
    """Return a line of units for each place."""
    head = f"{'place':>9} {'net stock':>9} {'under way':>9} {'unmet':>6}"
    rows = [f"{'warehouse':>9} {warehouse[0]:9.0f} {warehouse[1]:9.0f} {'':>6}"]
    rows += [
        f"{f'shop {i + 1}':>9} {net[i]:9.0f} {under_way[i]:9.0f} {unmet[i]:6.0f}" for i in range(len(net))
    ]
    return "\n".join([head, *rows])


def _picture(
    warehouse: tuple[float, float],
    net: NDArray[Any],
    under_way: NDArray[Any],
    unmet: NDArray[Any],
    means: NDArray[Any],
) -> Any:
    """Draw a bar for each place."""
    figure = new_figure()
    axes = figure.add_subplot()
    scale = np.append(means.sum(), means)
    stock = np.append(warehouse[0], net) / scale
    due = np.append(warehouse[1], under_way) / scale
    places = np.arange(len(stock))
    axes.barh(places, np.maximum(stock, 0), color="tab:blue", label="on the shelf")
    axes.barh(places, np.minimum(stock, 0), color="tab:red", label="backlog")
    axes.barh(places, due, left=np.maximum(stock, 0), color="lightsteelblue", label="under way")
    names = ["warehouse", *(f"shop {i + 1}" for i in range(len(net)))]
    every = -(-len(names) // 16)  # at most 16 names, so that they do not touch
    axes.set_yticks(places[::every], names[::every])
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("periods of mean demand")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=3, fontsize=8, frameon=False)
    figure.suptitle(
        f"{warehouse[0]:.0f} units in the warehouse, {net.clip(0).sum():.0f} in the shops, "
        f"{unmet.sum():.0f} unmet",
        fontsize=10,
    )
    return to_pixels(figure)
