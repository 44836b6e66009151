"""Dynamics of contexts and clicks on a page. Pure, batched, any array namespace."""

from __future__ import annotations

from typing import NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.envs.recommendation.context.params import ContextParams


class HiddenTables(NamedTuple):
    """Constants of visitors' contexts and clicks."""

    rates: Array  # (24 x D x P, N) click rates by context
    hour: Array  # (24,) cumulative shares
    device: Array  # (D,) cumulative shares
    place: Array  # (P,) cumulative shares


class Visitor(NamedTuple):
    """Context of the visitor at hand."""

    hour: Array  # (n,) int
    device: Array  # (n,) int
    place: Array  # (n,) int


class Noise(NamedTuple):
    """Chance of one page."""

    click: Array  # (n, K) U[0, 1)
    visitor: Array  # (n, 3) U[0, 1), who comes next


class Outcome(NamedTuple):
    """Result of one page."""

    slate: Array  # (n, K) int, -1 where a repeat left its slot empty
    clicks: Array  # (n, K) 0 or 1
    total: Array  # (n,) clicks
    rate: Array  # (n,) expected clicks
    context: Array  # (n,) int, row of the rates


def draw_visitor(noise: Array, tables: HiddenTables) -> Visitor:
    """Return the visitors that (n, 3) uniforms choose."""
    xp = array_namespace(noise)
    found = []
    for column, cumulative in enumerate((tables.hour, tables.device, tables.place)):
        passed = xp.sum(xp.astype(noise[:, column, None] >= cumulative, xp.int64), axis=1)
        found.append(xp.clip(passed, 0, cumulative.shape[0] - 1))
    return Visitor(*found)


def context_row(visitor: Visitor, params: ContextParams) -> Array:
    """Return the (n,) rows of `HiddenTables.rates` for visitors."""
    devices, places = len(params.device_shares), len(params.place_shares)
    return (visitor.hour * devices + visitor.device) * places + visitor.place


def step(
    state: Visitor, action: Array, noise: Noise, params: ContextParams, tables: HiddenTables
) -> tuple[Visitor, Outcome]:
    """Show (n, K) pages, repeats emptied (-1), to the visitors at hand; others come next."""
    xp = array_namespace(action)
    row = context_row(state, params)
    rate = tables.rates[row[:, None], xp.where(action < 0, 0 * action, action)]
    rate = rate * xp.astype(action >= 0, rate.dtype)
    clicks = xp.astype(noise.click < rate, rate.dtype)
    outcome = Outcome(action, clicks, xp.sum(clicks, axis=1), xp.sum(rate, axis=1), row)
    return draw_visitor(noise.visitor, tables), outcome
