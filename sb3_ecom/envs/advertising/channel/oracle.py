"""The best plan of a campaign whose effects are known: bounded by its dual, found by ascent."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Floats, NumpyBackend
from sb3_ecom.core.oracle_weights import only_weight, scaled
from sb3_ecom.core.registry import Oracle
from sb3_ecom.envs.advertising.channel.dynamics import demand
from sb3_ecom.envs.advertising.channel.env import ChannelTask


class Campaigns(NamedTuple):
    """Known conditions of n campaigns of T days and K channels."""

    level: Floats  # (n, T, K) revenue per day when saturated
    saturation: Floats  # (K,)
    carry: Floats  # (K,)


def revenue(campaigns: Campaigns, spend: Floats) -> tuple[Floats, Floats]:
    """Return the (n,) revenue of (n, T, K) spends, and its gradient."""
    carry, saturation = campaigns.carry, campaigns.saturation
    stock = np.empty_like(spend)
    running = np.zeros_like(spend[:, 0])
    for day in range(spend.shape[1]):
        running = running * carry + spend[:, day]
        stock[:, day] = running
    rest = campaigns.level * np.exp(-stock / saturation)
    slope = rest / saturation
    gradient = np.empty_like(spend)
    running = np.zeros_like(spend[:, 0])
    for day in range(spend.shape[1] - 1, -1, -1):
        running = running * carry + slope[:, day]
        gradient[:, day] = running
    return (campaigns.level - rest).sum((1, 2)), gradient


def _dual_bound(level: Floats, saturation: Floats, carry: Floats) -> float:
    """Return an upper bound on the revenue of one campaign, by Lagrangian duality.

    With a price nu_t on day t's money (falling, because money keeps) the stock x of a channel costs
    p_t = nu_t - carry nu_{t+1} a day, so x = saturation [ln(level / (saturation p))]^+ is best: the bound
    is sum_t nu_t + sum [level (1 - e^(-x / saturation)) - p x], the least over prices. It lets stock be sold
    back (spend < 0), so it may lie above the optimum.
    """
    from scipy import optimize

    def loss(drops: Floats) -> tuple[float, Floats]:
        price = np.cumsum(drops[::-1])[::-1]
        later = np.append(price[1:], 0.0)
        cost = price[:, None] - carry * later[:, None]
        stock = saturation * np.maximum(np.log(level / (saturation * cost)), 0.0)
        surplus = level * (1 - np.exp(-stock / saturation)) - cost * stock
        before = np.concatenate([np.zeros_like(stock[:1]), stock[:-1]])
        slope = 1.0 - (stock - carry * before).sum(1)
        return float(price.sum() + surplus.sum()), np.cumsum(slope)

    days = level.shape[0]
    start = np.append(np.zeros(days - 1), level.sum(1).mean() / 3)
    limits = [(0.0, None)] * (days - 1) + [(1e-6, None)]
    found = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": 300}
    )
    return float(found.fun)


def plan(campaigns: Campaigns, rounds: int = 200, rate: float = 0.5) -> Floats:
    """Return (n, T, K) spends near the optimum, by mirror ascent on each day's shares of the account.

    A share grows with the marginal revenue of its channel, or of tomorrow's account, over the mean.
    """
    n, days, channels = campaigns.level.shape
    log_share = np.zeros((n, days, channels + 1))
    for _ in range(rounds):
        share = np.exp(log_share - log_share.max(2, keepdims=True))
        share /= share.sum(2, keepdims=True)
        gradient = revenue(campaigns, _spends(share))[1]
        later = np.zeros(n)
        for day in range(days - 1, -1, -1):
            marginal = np.concatenate([gradient[:, day], later[:, None]], 1)
            later = (share[:, day] * marginal).sum(1)
            log_share[:, day] += rate * (marginal / later[:, None] - 1.0)
        log_share = np.maximum(log_share - log_share.max(2, keepdims=True), -30.0)
    share = np.exp(log_share)
    return _spends(share / share.sum(2, keepdims=True))


def _spends(share: Floats) -> Floats:
    """Return what each day's shares (the last is saved) of the account spend."""
    spend = np.empty_like(share[:, :, :-1])
    account = np.ones(share.shape[0])
    for day in range(share.shape[1]):
        spend[:, day] = account[:, None] * share[:, day, :-1]
        account = account * share[:, day, -1] + 1.0
    return spend


def campaigns_of(task: ChannelTask, n: int, seed: int) -> Campaigns:
    """Return the campaigns that `StepLoop(task, n)` plays after ``reset(seed)``."""
    source = NumpyBackend()
    source.seed(seed)
    public = task.tables.public
    hidden = task.start(task.draw_reset(source.spawn(1), n))[0]
    levels = []
    for day in range(task.horizon):
        today = demand(np.full(n, day), hidden.first_weekday, hidden.peak, task.params, public)
        levels.append(today[:, None] * public.ceiling * hidden.effect)
    level = np.stack(levels, 1).astype(np.float64)
    return Campaigns(level, np.asarray(task.params.saturation), np.asarray(task.params.carry))


def bounds(campaigns: Campaigns) -> Floats:
    """Return the (n,) upper bounds."""
    return np.array([_dual_bound(level, campaigns.saturation, campaigns.carry) for level in campaigns.level])


def oracle(task: ChannelTask, episodes: int = 256, seed: int = 0) -> Oracle:
    """Return the mean upper bound over campaigns.

    Raises:
        ValueError: if the reward pays anything but revenue.
    """
    weight = only_weight(task, "revenue", "expected")
    bound = bounds(campaigns_of(task, episodes, seed))
    found = Oracle.from_sample(
        bound,
        kind="bound",
        information="the hidden effects of the channels",
    )
    return scaled(found, weight)
