"""The visitor's constants, laid out so that one look-up fetches all that a page may come to."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.envs.recommendation.session.visitor import (
    after_page,
    leave_logit,
    outside_weight,
    purchase_logit,
    return_logit,
    satiation_after_click,
)

# Columns of `VisitTables.outcome`, before what the event does to the mood.
BUY, SEND_BACK, MARGIN, RETURN_COST, EXIT, REACTION, CLICKED, FACTORS = range(8)
# Columns of `Visit.mood`, before the satiation.
PAGE, SATISFACTION, PATIENCE, SATIATION = range(4)


class VisitTables(NamedTuple):
    """The visitor's constants as float32 arrays; see `Catalogue` and `SessionParams`.

    What a page may come to stands in one row, fetched at once: on few copies each look-up costs as much as
    the arithmetic.
    """

    quality: Array  # (N,)
    item_factors: Array  # (N, D)
    click_update: Array  # (N, D)
    start: Array  # (N, D)
    retention: Array  # (N, D)
    group: Array  # (N,) int, 0 .. G-1
    # (N + 1, 7 + 2 M) of a click on each item, the last row of none: logits of buying and of sending back,
    # without the match; margin; return cost; exit effect; logit of leaving; 1 for a click; then what becomes
    # of the mood: factors and summands
    outcome: Array
    entry_cumulative: Array  # (N,) cumulative entry shares, infinite at the end
    slot: Array  # (K,) position logit of a slot
    match: Array  # (2,) what the match adds to the logits of buying and of sending back
    outside: Array  # (1,) weight of clicking nothing

    @property
    def buy(self) -> Array:
        """(N,) logit of buying after a click, without the match."""
        return self.outcome[:-1, BUY]

    @property
    def send_back(self) -> Array:
        """(N,) logit of returning after a purchase, without the match."""
        return self.outcome[:-1, SEND_BACK]

    @property
    def margin(self) -> Array:
        """(N,) currency units."""
        return self.outcome[:-1, MARGIN]

    @property
    def return_cost(self) -> Array:
        """(N,) currency units, margin lost included."""
        return self.outcome[:-1, RETURN_COST]

    @property
    def exit_effect(self) -> Array:
        """(N,) logits, scaled."""
        return self.outcome[:-1, EXIT]

    @property
    def category(self) -> Array:
        """(N, G) one-hot."""
        groups = (self.outcome.shape[1] - FACTORS) // 2 - SATIATION
        return self.outcome[:-1, -groups:]


def visit_tables(params: SessionParams) -> VisitTables:
    """Return the visitor's constants."""
    items = params.catalogue
    exact = VisitTables(
        quality=items.quality,
        item_factors=items.item_factors,
        click_update=items.click_update,
        start=items.start,
        retention=items.retention,
        group=items.category,
        outcome=outcome_table(params, items, items.category, items.num_categories),
        entry_cumulative=entry_table(items.entry_share),
        slot=params.position_weight * np.arange(params.slate_size),
        match=np.array([params.buy_match, params.return_match]),
        outside=np.array([outside_weight(params)]),
    )
    return VisitTables(*(_contiguous(table) for table in exact))


class ItemAttributes(Protocol):
    """Attributes of the N items of a catalogue of any size."""

    @property
    def price(self) -> Array:
        """(N,) currency units."""

    @property
    def quality(self) -> Array:
        """(N,) logits."""

    @property
    def exit_effect(self) -> Array:
        """(N,) logits."""


def outcome_table(params: SessionParams, items: ItemAttributes, group: Array, groups: int) -> Array:
    """Return `VisitTables.outcome` of items in (N,) int groups, of which there are G."""
    price, quality = standard(np.log(items.price)), standard(items.quality)
    margin = params.margin_rate * items.price
    columns = (  # in the order of the table's
        purchase_logit(params, price, quality, 0.0),
        return_logit(params, price, 0.0),
        margin,
        margin + params.return_cost_rate * items.price,
        params.exit_effect_scale * items.exit_effect,
    )
    moods = SATIATION + groups
    table = np.zeros((len(group) + 1, FACTORS + 2 * moods), dtype=np.float32)
    for place, column in enumerate(columns):
        table[:-1, place] = column
    table[:-1, REACTION] = leave_logit(params, 0.0, 0.0, table[:-1, EXIT])
    table[-1, REACTION] = leave_logit(params, 0.0, 0.0, params.exit_without_click)
    table[:-1, CLICKED] = 1
    factors, summands = table[:, FACTORS:-moods], table[:, -moods:]
    factors[:], summands[:, PAGE] = 1, 1
    # Both are linear in what was there before: a factor from 1, a summand from 0.
    summands[:-1, SATISFACTION], summands[-1, SATISFACTION] = (
        after_page(params, 0, 1),
        after_page(params, 0, 0),
    )
    factors[:, SATISFACTION] = after_page(params, 1, 0)
    factors[:-1, SATIATION:] = satiation_after_click(params, 1, 0)
    summands[np.arange(len(group)), SATIATION + group] = satiation_after_click(params, 0, 1)
    return table


def entry_table(share: Array) -> Array:
    """Return (N,) float32 cumulative entry shares; the last is infinite: every uniform is below."""
    cumulative = (np.cumsum(share) / share.sum()).astype(np.float32)
    cumulative[-1] = np.inf
    return cumulative


def _contiguous(table: Array) -> Array:
    """Return a table as the step wants it: floats as float32."""
    return np.ascontiguousarray(table, dtype=np.float32 if table.dtype.kind == "f" else None)


def standard(values: Array) -> Array:
    """Return the values with mean 0 and standard deviation 1 (all 0 where they do not differ)."""
    spread = values.std(dtype=np.float64)
    return (values - values.mean(dtype=np.float64)) / (spread if spread > 0 else 1.0)
