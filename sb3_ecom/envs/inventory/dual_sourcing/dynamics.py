"""Order from both suppliers, then sell.

Source: Gijsbrechts, Boute, Van Mieghem and Zhang (2022), Manufacturing & Service Operations Management 24(3),
section 4.2 (dual sourcing with an express lead time of 0).
"""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.inventory.arithmetic import positive, row_sums
from sb3_ecom.envs.inventory.dual_sourcing.params import DualSourcingParams


class State(NamedTuple):
    """When a period opens, after the due regular order arrived."""

    stock: Array  # (n,) float32 whole units; negative = backlog
    pipeline: Array  # (n, regular_lead_time - 1) units; column 0 arrives next period


class Outcome(NamedTuple):
    """What one period brought."""

    regular: Array  # (n,) units ordered from the slow supplier, after the cut
    express: Array  # (n,) units ordered from the fast supplier, after the cut
    demand: Array  # (n,) units
    left: Array  # (n,) units of stock at the end of the period
    waiting: Array  # (n,) units of backlog at the end of the period


def step(
    params: DualSourcingParams, state: State, regular: Array, express: Array, demand: Array
) -> tuple[State, Outcome]:
    """Order, receive the express units, then sell; orders and `demand` are (n,) float32 whole units."""
    xp = array_namespace(demand)
    room = params.position_limit - state.stock - row_sums(state.pipeline)
    express = xp.minimum(express, positive(room))
    regular = xp.minimum(regular, positive(room - express))
    net = state.stock + express - demand
    left = positive(net)
    outcome = Outcome(regular, express, demand, left, left - net)
    if params.regular_lead_time == 1:
        return State(net + regular, state.pipeline * 1.0), outcome
    pipeline = xp.concat([state.pipeline[:, 1:], regular[:, None]], axis=1)
    return State(net + state.pipeline[:, 0], pipeline), outcome
