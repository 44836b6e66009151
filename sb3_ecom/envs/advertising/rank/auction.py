"""The position auction: rank by bid x weight above a reserve, price by GSP or VCG. Batched and pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from sb3_ecom.core.arrays import Array, array_namespace


class Slots(NamedTuple):
    """Owners and prices of the slots; arrays are (..., K), best slot first."""

    ad: Array  # int64 index into the candidates; meaningless where not filled
    filled: Array  # bool
    value: Array  # of a click to the advertiser
    bid: Array  # per click
    price: Array  # per click; 0 where not filled


def run_auction(
    value: Array,
    weight: Array,
    present: Array,
    reserve: Array,
    exposure: tuple[float, ...],
    experience: Array,
    vcg: bool,
) -> Slots:
    """Fill K slots with the highest bid x weight among ads that bid the reserve or more (ties: lower index).

    Under VCG advertisers bid their value, which is dominant. Under GSP they bid between their value
    (experience 0) and the balanced bid (experience 1): the one at which a slot's owner would not rather pay
    that bid for the slot above. Both keep the order of the values, so one sort serves.

    Args:
        value: (..., N) money per click, > 0; N > K.
        weight: (..., N) score per unit of bid, > 0.
        present: (..., N) bool.
        reserve: (...) least price per click.
        exposure: K chances that a slot is looked at, falling.
        experience: (...) in [0, 1].
        vcg: price by externality instead of by the next bid.

    Source: balanced bids, M. Cary et al., "Greedy bidding strategies for keyword auctions", EC 2007, whose
    fixed point without a reserve pays VCG prices; weights, S. Lahaie and D. Pennock, "Revenue analysis of a
    family of ranking rules for keyword auctions", EC 2007.
    """
    xp = array_namespace(value)
    count = len(exposure)
    open_ = present & (value >= reserve[..., None])
    score = xp.where(open_, value * weight, -xp.ones_like(value))
    order = xp.argsort(-score, axis=-1, stable=True)[..., : count + 1]
    top, ranked_value, scale = (xp.take_along_axis(array, order, axis=-1) for array in (score, value, weight))
    filled = top > 0.0
    values, scales = ([array[..., i] for i in range(count + 1)] for array in (ranked_value, scale))
    taken = [filled[..., i] for i in range(count + 1)]
    bids = values
    if not vcg:
        bids = _mixed_bids(xp, values, scales, taken, reserve, exposure, experience)
    paid = _paid(xp, bids, scales, taken, reserve, exposure, vcg)
    return Slots(
        order[..., :count],
        filled[..., :count],
        ranked_value[..., :count],
        xp.stack(bids[:count], axis=-1),
        xp.stack(paid, axis=-1),
    )


def _paid(
    xp: Any,
    bids: list[Array],
    scales: list[Array],
    taken: list[Array],
    reserve: Array,
    exposure: tuple[float, ...],
    vcg: bool,
) -> list[Array]:
    """Return the prices per click of the slots, 0 where nobody is."""
    scores = [
        xp.where(has, scale * bid, bid * 0.0) for has, scale, bid in zip(taken, scales, bids, strict=True)
    ]
    price = _vcg_prices if vcg else _gsp_prices
    prices = price(xp, scores, scales, reserve, exposure)
    return [
        xp.where(taken[i], xp.minimum(prices[i], bids[i]), prices[i] * 0.0) for i in range(len(exposure))
    ]  # the minimum takes off no more than rounding


def _mixed_bids(
    xp: Any,
    values: list[Array],
    scales: list[Array],
    taken: list[Array],
    reserve: Array,
    exposure: tuple[float, ...],
    experience: Array,
) -> list[Array]:
    """Return bids from the loser up: x_{i-1} (v_i - b_i) = x_i (v_i - p_i), mixed with the value."""
    balanced = values[-1]
    mixed = [values[-1]]
    for i in range(len(exposure) - 1, -1, -1):
        below = xp.where(taken[i + 1], scales[i + 1] * balanced, balanced * 0.0)
        price = xp.minimum(xp.maximum(reserve, below / scales[i]), values[i])
        if i:
            balanced = values[i] - (exposure[i] / exposure[i - 1]) * (values[i] - price)
        else:
            balanced = values[0]  # nobody sits above: the first bid sets no price
        mixed.append(values[i] + experience * (balanced - values[i]))
    return mixed[::-1]


def _gsp_prices(
    xp: Any, scores: list[Array], scales: list[Array], reserve: Array, exposure: tuple[float, ...]
) -> list[Array]:
    """Return the least bids that keep the slots."""
    return [xp.maximum(reserve, scores[i + 1] / scales[i]) for i in range(len(exposure))]


def _vcg_prices(
    xp: Any, scores: list[Array], scales: list[Array], reserve: Array, exposure: tuple[float, ...]
) -> list[Array]:
    """Return p_i: x_i p_i = sum over slots j >= i of (x_j - x_{j+1}) x the least bid that keeps slot j."""
    drops = [x - y for x, y in zip(exposure, (*exposure[1:], 0.0), strict=True)]
    prices = []
    for i, chance in enumerate(exposure):
        total = reserve * 0.0
        for j in range(i, len(exposure)):
            total = total + drops[j] * xp.maximum(reserve, scores[j + 1] / scales[i])
        prices.append(total / chance)
    return prices
