"""The auctions of one tick: three slots, cascade exposure, noisy values, a budget. Flat, pure and batched."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace, index_range, repeat, take_rows, true_places
from sb3_ecom.envs.advertising.auctions import MICROS, lay_out
from sb3_ecom.envs.advertising.auto_bidding.market import NOISES, RIVALS, SCORES, Tables
from sb3_ecom.envs.advertising.auto_bidding.params import AutoParams
from sb3_ecom.envs.advertising.auto_bidding.state import HiddenState, StepNoise

SLOTS = 3


class AuctionBatch(NamedTuple):
    """The auctions of one tick, flat; those of copy i stand in ``bounds[i]:bounds[i + 1]``."""

    counts: Array  # (n,) int64
    bounds: Array  # (n + 1,) int64
    mean_value: Array  # (n,) mean predicted conversions of a bundle
    predicted: Array  # (m,) conversions of a bundle
    rivals: Array  # (m,) column of `Tables.price`
    fate: Array  # (m,) U[0, 1): prediction noise, and who looks
    luck: Array  # (m,) U[0, 1): a conversion below the true rate


class ResolvedAuctions(NamedTuple):
    """True rates, prices and attention of k auctions."""

    true: Array  # (k,) conversions of a bundle
    price: Array  # (3, k) rivals' highest bids
    look: Array  # (k,) U[0, 1): slot j is exposed below its chance


class BoughtSlots(NamedTuple):
    """Wins of the copies in one tick, (n,) int64 each; or amounts by auction."""

    conversions: Array
    expected: Array  # millionths of a conversion, at the true rates of the exposed
    predicted: Array  # likewise at the predicted rates
    spend: Array  # micros
    wins: Array
    exposed: Array


def open_auctions(state: HiddenState, noise: StepNoise, params: AutoParams, tables: Tables) -> AuctionBatch:
    """Return the auctions of the tick: they depend on the market alone, never on a bid."""
    xp = array_namespace(state.left)
    now = xp.take_along_axis(state.counts, state.tick[:, None], axis=1)[:, 0]
    counts, bounds = lay_out(now, noise.auctions.shape[1])
    m = int(bounds[-1])
    batch = noise.auctions[:, :m]
    level = xp.take_along_axis(state.level, state.tick[:, None], axis=1)[:, 0]
    spread = level * xp.clip(state.spread * (1.0 + 0.2 * noise.spread), 0.02, None)
    draw = take_rows(tables.score, xp.astype(batch[0] * float(SCORES), xp.int32))
    predicted = xp.clip(repeat(level, counts) + repeat(spread, counts) * draw, 0.0, 1.0)
    rivals = xp.astype(batch[1] * float(RIVALS), xp.int32)
    return AuctionBatch(counts, bounds, level, predicted, rivals, batch[2], batch[3])


def resolve(
    state: HiddenState, batch: AuctionBatch, at: Array, owner: Array, params: AutoParams, tables: Tables
) -> ResolvedAuctions:
    """Return the true rates and prices of some auctions.

    Args:
        state: when the tick opened.
        batch: its auctions.
        at: (k,) which of them.
        owner: (k,) the copy that each belongs to.
        params: of the market.
        tables: of the market.
    """
    xp = array_namespace(batch.fate)
    # One number serves three times: its leading 6 bits, the next 6, and the rest.
    first = batch.fate[at] * float(NOISES)
    one = xp.astype(first, xp.int32)
    second = (first - xp.astype(one, xp.float32)) * float(NOISES)
    two = xp.astype(second, xp.int32)
    sigma = state.noise[owner] * xp.abs(1.0 + 0.5 * tables.noise[one])
    factor = 1.0 + xp.clip(sigma, None, 0.3) * tables.noise[two]
    if params.bias_sd:
        factor = factor * xp.exp(state.bias)[owner]
    price = tables.price[:, batch.rivals[at]]
    if params.price_day_sd:
        price = price * xp.exp(state.price)[owner]
    true = xp.clip(batch.predicted[at] * factor, 0.0, 1.0)
    return ResolvedAuctions(true, price, second - xp.astype(two, xp.float32))


def buy_slots(
    state: HiddenState, log_multiplier: Array, batch: AuctionBatch, params: AutoParams, tables: Tables
) -> BoughtSlots:
    """Bid in every auction until the budget is spent.

    `log_multiplier` is (n, 3), or (n, 1) for the same bid in every slot: then the third slot, the cheapest,
    decides whether anything is won, and only what is won is looked at more closely.
    """
    xp = array_namespace(state.left)
    # In units of the day's price level, so that the table of prices serves every copy.
    per_value = xp.exp(log_multiplier - state.price[:, None]) * state.target[:, None]
    one = log_multiplier.shape[1] == 1
    chosen = None
    for k in (2,) if one else range(SLOTS):
        bid = repeat(per_value[:, 0 if one else k], batch.counts) * batch.predicted
        beats = bid > take_rows(tables.price[k], batch.rivals)
        chosen = beats if chosen is None else chosen | beats
    won = true_places(chosen)
    places = xp.searchsorted(won, batch.bounds)
    owner = repeat(index_range(state.left.shape[0], won), places[1:] - places[:-1])
    resolved = resolve(state, batch, won, owner, params, tables)
    slot = xp.zeros_like(owner)
    lost = slot < 1
    for k in range(SLOTS - 1):  # slots lost before the first one that is won
        bid = per_value[owner, 0 if one else k] * batch.predicted[won]
        lost = lost & (bid <= take_rows(tables.price[k], take_rows(batch.rivals, won)))
        slot = slot + xp.astype(lost, slot.dtype)
    amounts = _amounts(xp, batch, won, resolved, slot, params.exposure)
    sums = BoughtSlots(
        *(
            xp.concat([xp.zeros_like(batch.bounds[:1]), xp.cumsum(xp.astype(part, xp.int64), axis=0)])
            for part in amounts
        )
    )
    # Costs are >= 0, so the running sum is sorted: the cut-off of every copy is one binary search.
    last = xp.searchsorted(sums.spend, sums.spend[places[:-1]] + state.left, side="right") - 1
    last = xp.minimum(last, places[1:])
    return BoughtSlots(*(part[last] - part[places[:-1]] for part in sums))


def _amounts(
    xp: Any,
    batch: AuctionBatch,
    won: Array,
    resolved: ResolvedAuctions,
    slot: Array,
    exposure: tuple[float, float, float],
) -> BoughtSlots:
    """Return (k,) amounts, not yet whole, that every won auction adds if the budget lasts."""
    exposed = resolved.look < _by_slot(xp, slot, resolved.look, exposure)
    price = xp.take_along_axis(resolved.price, slot[None, :], axis=0)[0]
    converted = exposed & (batch.luck[won] < resolved.true)
    nothing = price * 0.0
    return BoughtSlots(
        conversions=xp.where(converted, nothing + 1.0, nothing),
        expected=xp.where(exposed, resolved.true, nothing) * float(MICROS),
        predicted=xp.where(exposed, batch.predicted[won], nothing) * float(MICROS),
        spend=xp.where(exposed, price, nothing) * float(MICROS),
        wins=nothing + 1.0,
        exposed=xp.where(exposed, nothing + 1.0, nothing),
    )


def _by_slot(xp: Any, place: Array, like: Array, exposure: tuple[float, float, float]) -> Array:
    chance = like * 0.0 + exposure[0]
    for k in (1, 2):
        chance = xp.where(place == k, like * 0.0 + exposure[k], chance)
    return chance
