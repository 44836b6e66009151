"""Order, send within capacities, receive, sell.

Source: Hubbs, Perez, Sarwar, Sahinidis, Grossmann and Wassick (2020), "OR-Gym", arXiv 2008.06319, the
inventory management environment; restated.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.chain.params import ChainParams
from sb3_ecom.envs.inventory.demand import cdf_table


class State(NamedTuple):
    """Inventory at the start of a period; the stages' stock reports show all of it."""

    period: Array  # (n,) float32 periods gone by
    on_hand: Array  # (n, stages) units
    unserved: Array  # (n, stages + 1) units that customers (0) and stage j - 1 (column j) still wait for
    transit: Array  # (n, sum(lead_times)) units under way, stage by stage, next to arrive first


class Outcome(NamedTuple):
    """Sales, purchases and stock of one period; the last supplier is the last column."""

    demand: Array  # (n,) units
    sold: Array  # (n, stages + 1) units that each stage sold
    bought: Array  # (n, stages + 1) units that each stage bought
    unserved: Array  # (n, stages + 1) units asked for and not served
    held: Array  # (n, stages) units on hand at the end
    discount: Array  # (n,) weight of this period's money
    finished: Array  # (n,) bool


class HiddenTables(NamedTuple):
    """Constant arrays of the simulator."""

    cdf: Array  # cumulative demand, for inversion
    on_hand: Array  # (stages,) units at the start
    unserved: Array  # (stages + 1,) units that someone waits for at the start: none
    transit: Array  # (sum(lead_times),) units under way at the start: none


def hidden_tables(params: ChainParams) -> HiddenTables:
    """Return the simulator's constant arrays."""
    on_hand = np.array(params.start_stock, dtype=np.float32)
    none = np.zeros(sum(params.lead_times), dtype=np.float32)
    return HiddenTables(cdf_table(params.pmf()), on_hand, np.zeros(params.stages + 1, np.float32), none)


def start(noise: Array, params: ChainParams, tables: HiddenTables) -> State:
    """Return the given stock and empty lanes; `noise` is (n,) and plays no part."""
    none = array_namespace(noise).zeros_like(noise)[:, None]
    return State(none[:, 0], none + tables.on_hand, none + tables.unserved, none + tables.transit)


def step(
    state: State, orders: Array, demand: Array, params: ChainParams, tables: Any = None
) -> tuple[State, Outcome]:
    """Advance one period; `orders` is (n, stages), `demand` (n,) float32 whole units. No table is needed."""
    xp = array_namespace(demand)
    wanted = orders + state.unserved[:, 1:]
    sent = [xp.clip(wanted[:, j], None, float(capacity)) for j, capacity in enumerate(params.capacities)]
    sent = [xp.minimum(most, state.on_hand[:, j + 1]) for j, most in enumerate(sent[:-1])] + sent[-1:]
    shipped = xp.stack(sent, axis=1)
    received, transit = _receive(state.transit, shipped, params)
    asked = demand + state.unserved[:, 0]
    retail = state.on_hand[:, 0] + received[0]
    sales = xp.minimum(retail, asked)
    held = [retail - sales]
    held += [state.on_hand[:, j] - sent[j - 1] + received[j] for j in range(1, params.stages)]
    on_hand = xp.stack(held, axis=1)
    unserved = xp.concat([(asked - sales)[:, None], wanted - shipped], axis=1)
    outcome = Outcome(
        demand,
        sold=xp.concat([sales[:, None], shipped], axis=1),
        bought=xp.concat([shipped, shipped[:, -1:]], axis=1),
        unserved=unserved,
        held=on_hand * 1.0,
        discount=params.discount**state.period,
        finished=state.period + 1.0 >= params.periods,
    )
    waiting = unserved * (1.0 if params.unmet == "backlog" else 0.0)
    return State(state.period + 1.0, on_hand, waiting, transit), outcome


def _receive(transit: Array, shipped: Array, params: ChainParams) -> tuple[list[Array], Array]:
    """Return what arrives at each stage, (n,) each, and the lanes afterwards.

    A lane holds `lead_time` columns: what is sent now arrives `lead_time` periods later.
    """
    received, lanes, start = [], [], 0
    for j, lead_time in enumerate(params.lead_times):
        received.append(transit[:, start])
        lanes += [transit[:, start + 1 : start + lead_time], shipped[:, j : j + 1]]
        start += lead_time
    return received, array_namespace(shipped).concat(lanes, axis=1)
