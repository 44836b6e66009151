"""Picture of a chain with capacities: every stage's stock, units on the way to it, and waiting units."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.chain.dynamics import Outcome
from sb3_ecom.envs.inventory.chain.params import ChainParams
from sb3_ecom.envs.inventory.render import draw_bars


def render(
    params: ChainParams, tables: Any, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Return a (480, 640, 3) uint8 picture (mode "rgb_array") or a text (mode "ansi") of copy `row`."""
    chain = state.hidden
    lanes = np.split(np.asarray(chain.transit[row]), np.cumsum(params.lead_times)[:-1])
    bars = {f"stage {j + 1} on hand": float(units) for j, units in enumerate(chain.on_hand[row])}
    bars |= {f"under way to {j + 1}": float(lane.sum()) for j, lane in enumerate(lanes)}
    bars |= {
        f"unmet stage {j}" if j else "unmet customers": float(units)
        for j, units in enumerate(chain.unserved[row])
    }
    if outcome is not None:
        bars |= {"demand": float(outcome.demand[row]), "sales": float(outcome.sold[row, 0])}
    return draw_bars(f"Supply chain, period {int(chain.period[row])}", bars, mode)
