"""Order, send within capacities, receive, sell.

Source: Hubbs, Perez, Sarwar, Sahinidis, Grossmann and Wassick (2020), "OR-Gym", arXiv 2008.06319, the
inventory management environment; restated.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.chain.params import ChainParams


class State(NamedTuple):
    """When a period opens."""

    period: Array  # (n,) float32 periods gone by
    on_hand: Array  # (n, stages) units
    unserved: Array  # (n, stages + 1) units that customers (0) and stage j - 1 (column j) still wait for
    transit: Array  # (n, sum(lead_times)) units under way, stage by stage, next to arrive first


class Outcome(NamedTuple):
    """What one period brought; "last supplier" is the last column."""

    demand: Array  # (n,) units
    sold: Array  # (n, stages + 1) units that each stage sold
    bought: Array  # (n, stages + 1) units that each stage bought
    unserved: Array  # (n, stages + 1) units asked for and not served
    held: Array  # (n, stages) units on hand at the end
    discount: Array  # (n,) weight of this period's money
    finished: Array  # (n,) bool


def step(params: ChainParams, state: State, orders: Array, demand: Array) -> tuple[State, Outcome]:
    """Advance one period; `orders` is (n, stages) and `demand` (n,) float32 whole units."""
    xp = array_namespace(demand)
    wanted = orders + state.unserved[:, 1:]
    sent = [xp.clip(wanted[:, j], None, float(capacity)) for j, capacity in enumerate(params.capacities)]
    sent = [xp.minimum(most, state.on_hand[:, j + 1]) for j, most in enumerate(sent[:-1])] + sent[-1:]
    shipped = xp.stack(sent, axis=1)
    received, transit = _receive(xp, params, state.transit, shipped)
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


def _receive(xp: Any, params: ChainParams, transit: Array, shipped: Array) -> tuple[list[Array], Array]:
    """Return what arrives at each stage, (n,) each, and the lanes afterwards.

    A lane holds `lead_time` columns: what is sent now arrives `lead_time` periods later.
    """
    received, lanes, start = [], [], 0
    for j, lead_time in enumerate(params.lead_times):
        received.append(transit[:, start])
        lanes += [transit[:, start + 1 : start + lead_time], shipped[:, j : j + 1]]
        start += lead_time
    return received, xp.concat(lanes, axis=1)
