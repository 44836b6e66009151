"""Keywords: every search by hand, the dual against enumeration, money conserved."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from sb3_ecom.core.arrays import NumpyBackend, tree_map
from sb3_ecom.core.evaluate import random_policy, run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.advertising.keyword import baselines, dynamics, oracle
from sb3_ecom.envs.advertising.keyword.env import KeywordTask
from sb3_ecom.envs.advertising.keyword.landscape import (
    GRID,
    QUANTILES,
    best_on_grid,
    mean_click_cost,
    win_rate,
)


def play(task, n, seed, days, action=None):
    source, draw = NumpyBackend(np.random.default_rng(seed)), np.random.default_rng(seed + 1)
    state = task.initial_state(task.draw_reset(source, n))
    for _ in range(days):
        bids = (
            draw.uniform(-1, 1, (n, task.params.keywords)).astype(np.float32) if action is None else action(n)
        )
        noise = task.draw_step(source, n)
        after, outcome = task.step(state, bids, noise)
        yield state, bids, noise, after, outcome
        state = after


def test_a_day_equals_one_search_after_the_other():
    task, n = KeywordTask(keywords=3, volume=40.0, budget_low=0.1, budget_high=1.5), 6
    check_days(task, n)


def test_a_day_of_uneven_keywords_equals_one_search_after_the_other():
    check_days(KeywordTask(keywords=3, volume=40.0, volume_sd=1.0, volume_day_sd=0.5, budget_high=1.5), 6)


def keyword_of(state, i, uniform):
    """Return the keyword of a search of copy i, and where in its share it lies."""
    if state.volume is None:
        k = min(int(uniform * np.float32(3.0)), 2)
        return k, uniform * np.float32(3.0) - np.float32(k)
    left = float(uniform)
    share = dynamics.search_shares(state)[i].astype(np.float64)
    for k in range(3):
        if left < share[k] or k == 2:
            return k, left / share[k]
        left -= share[k]


def check_days(task, n):
    for (state, _), action, noise, _, outcome in play(task, n, 3, 4):
        bid = dynamics.bids_from(action)
        delivery, counts = dynamics.search(state, bid, noise, task.params, task.tables.hidden)
        click, conversion = dynamics.current_rates(state)
        win = win_rate(np, bid, state.slope, state.threshold)
        place = 0
        for i in range(n):
            spent, events = 0, np.zeros((3, 3))
            for j in range(place, place + counts[i]):
                k, fate = keyword_of(state, i, noise.searches[0, j])
                chances = win[i, k], win[i, k] * click[i, k], win[i, k] * click[i, k] * conversion[i, k]
                if fate < chances[1]:
                    score = task.tables.hidden.score[int(noise.searches[1, j] * np.float32(QUANTILES))]
                    b = bid[i, k]
                    price = np.float32(np.sqrt(b) * 0.25 + b * 0.5 + score * np.sqrt(b) / 6.0)
                    micros = int(min(max(price, np.float32(0)), b) * np.float32(1e6))
                    if spent + micros > state.budget[i]:
                        break
                    spent += micros
                events[k] += [fate < chance for chance in chances]
            place += counts[i]
            np.testing.assert_array_equal(delivery.events[i], events)
            assert (
                abs(delivery.cost[i] - spent) <= 2 * events[:, 1].sum()
            )  # float32 rounding, a micro a click
            assert outcome.cost[i] == pytest.approx(spent / 1e6, rel=1e-4, abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.01, 0.5, 100.0]))
def test_budget_holds_and_events_are_nested(seed, share):
    task = KeywordTask(keywords=4, budget_low=share, budget_high=max(share, 1e-12))
    for state, _, _, after, outcome in play(task, 3, seed, 3):
        events = after.tracked.totals - state.tracked.totals
        assert np.all(outcome.cost <= outcome.budget * (1 + 1e-6))
        assert np.all((events[..., 0] >= events[..., 1]) & (events[..., 1] >= events[..., 2]))
        assert np.all(outcome.impressions <= outcome.searches)
        np.testing.assert_allclose(
            outcome.revenue, (events[..., 2] * state.tracked.revenue).sum(1), rtol=1e-4, atol=1e-5
        )
        assert np.all((after.tracked.last[:, 2] >= 0) & (after.tracked.last[:, 2] <= 1))


def test_a_zero_bid_costs_nothing_and_a_click_never_costs_more_than_its_bid():
    task = KeywordTask()
    for *_, outcome in play(task, 4, 0, 2, lambda n: -np.ones((n, 10), np.float32)):
        assert np.all(outcome.cost == 0)
    for *_, outcome in play(task, 4, 0, 2, lambda n: np.zeros((n, 10), np.float32)):
        assert np.all(outcome.cost <= outcome.clicks * 0.4 * (1 + 1e-6))


@pytest.mark.parametrize("bid", [0.05, 0.4, 1.2])
def test_mean_click_cost_equals_numerical_integration(bid):
    mean, sd = np.sqrt(bid) / 4 + bid / 2, np.sqrt(bid) / 6
    expected = integrate.quad(
        lambda z: np.clip(mean + sd * z, 0, bid) * stats.norm.pdf(z),
        -8,
        8,
        points=[-mean / sd, (bid - mean) / sd],
    )[0]
    assert mean_click_cost(np.array([bid]))[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_dual_bids_equal_a_mixed_integer_programme(seed):
    g = np.random.default_rng(seed)
    k, coarse = 3, np.arange(0, 161, 8)
    wins = win_rate(np, GRID, g.uniform(5, 20, (k, 1)), g.uniform(0.1, 0.8, (k, 1)))
    wins[:, [i for i in range(161) if i not in coarse]] = 0.0  # only the coarse bids can win
    click, value = g.uniform(0.1, 0.5, (1, k)), g.uniform(0.2, 1.0, (1, k))
    clicks = 100.0 * click[0][:, None] * wins
    cost, gain = clicks * mean_click_cost(GRID), clicks * value[0][:, None]
    budget = 0.4 * cost[:, 80].sum()
    best = max(
        sum(gain[i, b] - cost[i, b] for i, b in enumerate(choice))
        for choice in itertools.product(coarse, repeat=k)
        if sum(cost[i, b] for i, b in enumerate(choice)) <= budget
    )
    bids, spent, bound, mu = best_on_grid(wins[None], value, click, np.array([budget]), 100.0)
    assert spent[0] <= budget * (1 + 1e-6)
    assert bound[0] >= best - 1e-9
    # The bound is that of mixing two bids per keyword: the linear programme over bids.
    found = optimize.linprog(
        -(gain - cost).ravel(),
        A_ub=cost.reshape(1, -1),
        b_ub=[budget],
        A_eq=np.kron(np.eye(k), np.ones(161)),
        b_eq=np.ones(k),
        method="highs",
    )
    assert bound[0] == pytest.approx(-found.fun, rel=1e-3)
    assert mu[0] >= 0
    assert np.all(np.isin(bids, GRID))


def test_no_bidder_beats_the_bound_where_keywords_are_uneven():
    task, n = KeywordTask("adwords"), 64
    bound = oracle.bounds(task, n, 7).mean()
    loop = StepLoop(task, n)
    returns = [
        run_episodes(loop, policy, 7)["reward"].mean()
        for policy in (
            random_policy(task, n, 1),
            baselines.learnt_landscape(task),
            oracle.oracle_policy(loop),
        )
    ]
    assert returns == sorted(returns)
    assert returns[-1] <= bound


def test_ladder_and_bound():
    task, n = KeywordTask(), 64
    bound = oracle.bounds(task, n, 7).mean()
    policies = (
        lambda loop: random_policy(task, n, 1),
        lambda loop: baselines.fixed_cpa(task),
        lambda loop: baselines.dual_pacing(task),
        lambda loop: baselines.learnt_landscape(task),
        oracle.oracle_policy,
    )
    returns = []
    for make in policies:
        loop = StepLoop(task, n)
        returns.append(run_episodes(loop, make(loop), 7)["reward"])
        assert returns[-1].mean() <= bound
        if len(returns) > 1:
            gap = returns[-1] - returns[-2]
            assert gap.mean() > 2 * gap.std() / np.sqrt(n)


@pytest.mark.parametrize("preset", ["dense", "semi_dense", "sparse", "very_sparse", "adwords"])
def test_presets_differ_in_density_not_in_value_per_click(preset):
    task = KeywordTask(preset)
    rate = task.tables.hidden.conversion.mean() * task.tables.hidden.revenue.mean()
    assert rate == pytest.approx(5 / 7 * 1.5 * 2 / 7, rel=1e-3)


def test_adwords_preset_has_the_volumes_and_click_rates_of_the_log():
    """TARGETS.md: log sd of daily volume between keywords 1.04, within .965 (lag-1 .66); median CTR .0212."""
    task, n = KeywordTask("adwords", keywords=40), 64
    source = NumpyBackend(np.random.default_rng(5))
    state = task.initial_state(task.draw_reset(source, n))
    logs = []
    for _ in range(60):
        logs.append(state.hidden.volume.sum(-1))
        state, outcome = task.step(state, np.zeros((n, 40), np.float32), task.draw_step(source, n))
    series = np.array(logs)
    within = series - series.mean(0)
    # A mean over 60 correlated days still wanders: sd .965 sqrt((1 + .66) / (1 - .66) / 60) = .275.
    assert series.mean(0).std() == pytest.approx(np.hypot(1.04, 0.275), rel=0.04)
    assert within.std() == pytest.approx(np.sqrt(0.965**2 - 0.275**2), rel=0.03)
    lag = (within[1:] * within[:-1]).mean() / within.var()
    assert lag == pytest.approx(0.66, abs=0.05)
    p10, median, p90 = np.quantile(task.tables.hidden.click, [0.1, 0.5, 0.9])
    assert median == pytest.approx(0.0212, rel=0.15)
    assert p10 == pytest.approx(0.0053, rel=0.25)
    assert p90 == pytest.approx(0.068, rel=0.2)
    assert outcome.searches.mean() == pytest.approx(33.1 * 40, rel=0.02)


def test_searches_fall_on_keywords_by_their_shares():
    task, n = KeywordTask(keywords=4, volume=3000.0, volume_sd=1.0), 3
    source = NumpyBackend(np.random.default_rng(2))
    state = task.initial_state(task.draw_reset(source, n))
    # Bids that always win: an impression is a search.
    hidden = state.hidden
    hidden = hidden._replace(
        slope=hidden.slope * 0 + 25, threshold=hidden.threshold * 0, budget=hidden.budget * 0 + 10**12
    )
    state = state._replace(hidden=hidden)
    after, outcome = task.step(state, np.ones((n, 4), np.float32), task.draw_step(source, n))
    share = dynamics.search_shares(hidden)
    shown = after.tracked.totals[..., 0]
    np.testing.assert_allclose(shown.sum(1), outcome.searches)
    expected = share * outcome.searches[:, None]
    assert np.all(np.abs(shown - expected) < 4.5 * np.sqrt(expected))
    assert share.std() > 0.05


def test_uneven_keywords_are_the_same_on_torch():
    task, n = KeywordTask("adwords"), 8
    twin = task.bind(torch.as_tensor)
    source = NumpyBackend(np.random.default_rng(4))
    state = task.initial_state(task.draw_reset(source, n))
    action = np.random.default_rng(1).uniform(-1, 1, (n, 10)).astype(np.float32)
    for _ in range(4):
        noise = task.draw_step(source, n)
        after, outcome = task.step(state, action, noise)
        state, noise = tree_map(torch.as_tensor, state), tree_map(torch.as_tensor, noise)
        theirs = twin.step(state, torch.as_tensor(action), noise)
        np.testing.assert_allclose(after.hidden.volume, theirs[0].hidden.volume, rtol=1e-5)
        np.testing.assert_array_equal(outcome.impressions, theirs[1].impressions)
        np.testing.assert_allclose(outcome.cost, theirs[1].cost, rtol=1e-4)
        state = after


def test_hundred_keywords_run():
    for *_, outcome in play(KeywordTask(keywords=100), 2, 0, 2):
        assert np.all(outcome.searches > 12_000)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"keywords": 0}, r"keywords must be in \[1, 1000\], got 0"),
        ({"days": 1}, r"days must be in \[2, 10000\], got 1"),
        ({"volume": 1.0}, r"keywords x volume must be in \[100, 1000000\] searches a day, got 10.0"),
        ({"conversion_scale": 2.0}, r"conversion_scale must be in \[0.0001, 1\], got 2.0"),
        ({"volume_memory": 1.0}, r"volume_memory must be in \[0, 1\), got 1"),
        ({"volume_sd": -1.0}, r"volume_sd must be in \[0, 3\], got -1.0"),
        ({"click_beta": 0.0}, r"click_beta must be in \[0.01, 10000\], got 0.0"),
        ({"drift_memory": 1.0}, r"drift_memory must be in \[0, 1\), got 1"),
        ({"drift_sd": float("nan")}, "drift_sd must be a finite number, got nan"),
        ({"budget_low": 0.0, "budget_high": 0.0}, r"budget_high must be in \(0, 1000000\], got 0.0"),
        ({"budget_low": 2.0}, r"budget_low must be <= 0.8 \(budget_high\), got 2.0"),
        ({"preset": "foggy"}, "preset must be one of dense.*got 'foggy'"),
        ({"nonsense": 1}, "unknown parameter of EcomAdsKeyword.*nonsense"),
    ],
)
def test_bad_parameters_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        KeywordTask(**kwargs)
