"""Channels: formulas against general solvers, money conserved, a season worth saving for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.evaluate import random_policy, run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.advertising.channel import baselines, oracle
from sb3_ecom.envs.advertising.channel.dynamics import split
from sb3_ecom.envs.advertising.channel.env import ChannelTask

SMALL = {"days": 5, "ceiling": (2.0, 3.0), "saturation": (0.5, 1.5), "carry": (0.1, 0.6)}


def small_campaign(seed):
    return oracle.campaigns_of(ChannelTask(**SMALL, peak_width=1.0), 1, seed)


def solve_generally(campaign):
    """SLSQP on the spends themselves, with the cumulative budget as linear constraints."""
    _, days, k = campaign.level.shape
    below = np.kron(np.tril(np.ones((days, days))), np.ones(k))
    found = optimize.minimize(
        lambda x: -oracle.revenue(campaign, x.reshape(1, days, k))[0][0],
        np.full(days * k, 0.9 / k),
        jac=lambda x: -oracle.revenue(campaign, x.reshape(1, days, k))[1].ravel(),
        method="SLSQP",
        bounds=[(0, None)] * (days * k),
        constraints={
            "type": "ineq",
            "fun": lambda x: np.arange(1, days + 1) - below @ x,
            "jac": lambda x: -below,
        },
        options={"maxiter": 500, "ftol": 1e-10},
    )
    assert found.success
    return -found.fun


@pytest.mark.parametrize("seed", range(6))
def test_plan_and_dual_bound_bracket_a_general_solver(seed):
    campaign = small_campaign(seed)
    best = solve_generally(campaign)
    planned = oracle.revenue(campaign, oracle.plan(campaign, 2000))[0][0]
    assert planned == pytest.approx(best, rel=2e-3)
    assert oracle.bounds(campaign)[0] >= best - 1e-6
    assert oracle.bounds(campaign)[0] <= best * 1.06  # it may sell stock back: short campaigns show it most


def test_bound_is_tight_for_real_campaigns():
    campaigns = oracle.campaigns_of(ChannelTask(), 16, 1)
    planned = oracle.revenue(campaigns, oracle.plan(campaigns, 600))[0]
    bound = oracle.bounds(campaigns)
    assert np.all(planned <= bound)
    assert planned.sum() > 0.995 * bound.sum()


def test_revenue_gradient_is_that_of_finite_differences():
    campaign = small_campaign(0)
    g = np.random.default_rng(0)
    spend, direction = g.uniform(0.1, 1, (1, 5, 2)), g.normal(size=(1, 5, 2))
    up, down = (oracle.revenue(campaign, spend + h * direction)[0][0] for h in (1e-5, -1e-5))
    gradient = oracle.revenue(campaign, spend)[1]
    assert (up - down) / 2e-5 == pytest.approx(float((gradient * direction).sum()), rel=1e-6)


def test_oracle_and_task_earn_the_same():
    task, n = ChannelTask(noise_sd=0.0), 8
    totals = run_episodes(StepLoop(task, n), baselines.uniform(task), 4)
    campaigns = oracle.campaigns_of(task, n, 4)
    spend = np.full((n, 90, 6), 1 / 6)
    np.testing.assert_allclose(totals["expected"], oracle.revenue(campaigns, spend)[0], rtol=3e-3)
    np.testing.assert_allclose(totals["revenue"], totals["expected"], rtol=1e-5)


@pytest.mark.parametrize("seed", range(8))
def test_water_filling_equals_a_general_solver(seed):
    g = np.random.default_rng(seed)
    level, saturation, budget = g.uniform(0.2, 3, (1, 4)), g.uniform(0.1, 2, 4), g.uniform(0.2, 3, 1)
    found = optimize.minimize(
        lambda s: -(level[0] * (1 - np.exp(-s / saturation))).sum(),
        np.full(4, budget[0] / 4),
        method="SLSQP",
        bounds=[(0, None)] * 4,
        constraints={"type": "eq", "fun": lambda s: s.sum() - budget[0]},
        options={"ftol": 1e-12, "maxiter": 300},
    )
    np.testing.assert_allclose(baselines.fill_channels(level, saturation, budget)[0], found.x, atol=2e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_money_is_spent_or_saved_and_never_made(seed):
    task = ChannelTask(days=8)
    source, draw, n = NumpyBackend(np.random.default_rng(seed)), np.random.default_rng(seed), 4
    state = task.initial_state(task.draw_reset(source, n))
    spent = np.zeros(n)
    for day in range(8):
        action = draw.uniform(-1, 1, (n, 7)).astype(np.float32)
        state, outcome = task.step(state, action, task.draw_step(source, n))
        spent = spent + outcome.spend
        np.testing.assert_allclose(spent + outcome.saved, day + 1, rtol=1e-5)
        np.testing.assert_allclose(state.tracked.account, outcome.saved + 1, rtol=1e-6)
        np.testing.assert_array_equal(state.tracked.stock, state.hidden.stock)
        assert np.all(outcome.revenue >= 0)


def test_shares_are_a_softmax():
    shares = split(np.array([[1.0, -1.0, 0.0]], np.float32))
    assert shares.sum() == pytest.approx(1.0)
    assert shares[0, 0] / shares[0, 1] == pytest.approx(np.exp(8.0), rel=1e-4)


def test_action_of_a_spend_spends_it():
    spend, account = np.array([[0.5, 0.2, 0.1]]), np.array([1.0])
    np.testing.assert_allclose(split(baselines.spend_action(spend, account))[0, :3], spend[0], rtol=2e-3)


def test_no_policy_beats_the_bound_and_the_ladder_holds():
    task, n = ChannelTask(), 96
    bound = oracle.bounds(oracle.campaigns_of(task, n, 5))
    entry = sb3_ecom.spec("EcomAdsChannel-v0")
    returns = [run_episodes(StepLoop(task, n), random_policy(task, n, 1), 5)["expected"]]
    for name in ("uniform", "learning_water_filling", "planned"):
        returns.append(run_episodes(StepLoop(task, n), entry.baselines[name](task), 5)["expected"])
        gap = returns[-1] - returns[-2]
        assert gap.mean() > 3 * gap.std() / np.sqrt(n), name
        assert np.all(returns[-1] <= bound * (1 + 1e-5)), name


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"days": 1}, r"days must be in \[2, 10000\], got 1"),
        ({"carry": (1.0,) * 6}, r"carry must be in \[0, 1\), got"),
        ({"saturation": (1.0,)}, r"saturation must have one value per ceiling \(6\), got 1"),
        ({"ceiling": (0.0,) * 6}, r"ceiling must be in \[0.001, 1000\], got 0.0"),
        ({"effect_sd": -1.0}, r"effect_sd must be in \[0, 3\], got -1.0"),
        ({"weekday": (1.0,)}, "weekday must hold 7 levels, got 1"),
        ({"peak_width": 0.0}, r"peak_width must be in \[0.1, 10000\] days, got 0.0"),
        ({"noise_sd": float("inf")}, "noise_sd must be a finite number, got inf"),
        ({"peak_low": 2.0}, r"peak_low must be in \[0, 0.9\] \(peak_high\), got 2.0"),
        ({"nonsense": 1}, "unknown parameter of EcomAdsChannel.*nonsense"),
    ],
)
def test_bad_parameters_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ChannelTask(**kwargs)
