"""Every formula against an independent solver, and the bound against thousands of days."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from sb3_ecom.core.evaluate import random_policy, run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.advertising.pacing import baselines, oracle
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.market import build_landscape, build_tables, mean_day_cost
from sb3_ecom.envs.advertising.pacing.params import PacingParams
from sb3_ecom.envs.advertising.pacing.planning import Planner


def solve_lp(cost, worth, budget):
    found = optimize.linprog(-worth, A_ub=cost[None], b_ub=[budget], bounds=(0, 1), method="highs")
    return -found.fun


@pytest.mark.parametrize("seed", range(20))
def test_knapsack_equals_the_linear_programme(seed):
    g = np.random.default_rng(seed)
    cost, worth = g.lognormal(size=40), g.lognormal(size=40)
    cost[: seed % 3] = 0.0
    for budget in (0.0, 0.3 * cost.sum(), 2 * cost.sum()):
        assert oracle.fractional_knapsack(cost, worth, budget) == pytest.approx(solve_lp(cost, worth, budget))


def test_knapsack_multiplier_is_the_dual_of_the_surplus_bound():
    """min over mu of mu B + sum (w - mu c)^+ is the same number."""
    g = np.random.default_rng(5)
    cost, worth = g.lognormal(size=200), g.lognormal(size=200)
    budget = 0.3 * cost.sum()
    dual = optimize.minimize_scalar(
        lambda mu: mu * budget + np.maximum(worth - mu * cost, 0).sum(), bounds=(0, 50), method="bounded"
    )
    assert dual.fun == pytest.approx(oracle.fractional_knapsack(cost, worth, budget), rel=1e-4)


@pytest.mark.parametrize("auction", ["second", "first"])
def test_landscape_equals_numerical_integration(auction):
    params = PacingParams(auction=auction)
    landscape = build_landscape(params)
    rho, sp = params.value_correlation, params.price_spread
    mean = params.value_alpha / (params.value_alpha + params.value_beta)

    def expect(gap, of):
        def inner(y):
            v = stats.beta.ppf(stats.norm.cdf(y), params.value_alpha, params.value_beta) / mean
            centre, sd = sp * rho * y - sp**2 / 2, sp * np.sqrt(1 - rho**2)
            top = (gap + np.log(v) - centre) / sd
            if of == "cost" and auction == "second":
                price = integrate.quad(lambda z: np.exp(centre + sd * z) * stats.norm.pdf(z), -9, top)[0]
            elif of == "cost":
                price = np.exp(gap) * v * stats.norm.cdf(top)
            else:
                price = v * stats.norm.cdf(top)
            return price * stats.norm.pdf(y)

        return integrate.quad(inner, -5, 5, limit=60, epsabs=1e-6)[0]

    cost = landscape.second if auction == "second" else landscape.first
    for gap in (-1.5, 0.0, 1.0):
        assert np.interp(gap, landscape.gap, landscape.value) == pytest.approx(expect(gap, "value"), rel=2e-4)
        assert np.interp(gap, landscape.gap, cost) == pytest.approx(expect(gap, "cost"), rel=2e-4)


def test_marginal_return_at_second_price_is_one_over_the_bid():
    """The landscape's V'(u) / S'(u) = e^-u: at the margin a bidder pays its bid."""
    landscape = build_landscape(PacingParams())
    rate = np.gradient(landscape.value) / np.gradient(landscape.second)
    inner = (landscape.gap > -2) & (landscape.gap < 2)
    np.testing.assert_allclose(rate[inner], np.exp(-landscape.gap[inner]), rtol=2e-3)


@pytest.mark.parametrize("auction", ["second", "first"])
def test_plan_equals_a_general_solver(auction):
    task = PacingTask(auction=auction)
    planner = Planner(task)
    g = np.random.default_rng(2)
    auctions, level = g.uniform(100, 500, (1, 3)), g.normal(0, 0.3, (1, 3))
    quality, money = g.normal(0, 0.6, (1, 3)), np.array([150.0])
    price = planner.solve(auctions, level, quality, money)
    bids = planner.bids(level, quality, price[:, None])
    landscape = build_landscape(task.params)

    def gain(x):
        return -float(
            (auctions * np.exp(quality) * np.interp(x - level, landscape.gap, landscape.value)).sum()
        )

    best = min(
        (
            optimize.minimize(
                gain,
                bids[0] + g.normal(0, 0.3, 3),
                method="SLSQP",
                bounds=[(-3, 3)] * 3,
                constraints={
                    "type": "ineq",
                    "fun": lambda x: money[0] - float((auctions * planner.spend(level, x[None])).sum()),
                },
            )
            for _ in range(6)
        ),
        key=lambda found: found.fun if found.success else 0.0,
    )
    assert float((auctions * planner.spend(level, bids)).sum()) == pytest.approx(150.0, rel=1e-3)
    assert -gain(bids) == pytest.approx(-best.fun, rel=2e-3)


def test_constant_multiplier_spends_the_budget_of_a_mean_day():
    task = PacingTask(control="absolute", start_spread=0.0, budget_low=1.0, budget_high=1.0)
    loop = StepLoop(task, 512)
    totals = run_episodes(loop, lambda obs: np.zeros((len(obs), 1), np.float32), 3)
    choose = baselines.landscape_constant(task)
    budget = totals["day_spend"].mean() / task.params.price_median * 1e6
    seen = type("Seen", (), {"budget": np.array([budget])})
    error = 2 * totals["day_spend"].std() / np.sqrt(512) / totals["day_spend"].mean()
    assert choose(seen)[0] == pytest.approx(0.0, abs=4 * error)


def test_mean_cost_of_everything_is_what_days_cost():
    task = PacingTask()
    cost = np.array([day.cost.sum() for day in oracle.replay_days(task, 256, 4)]) / 1e6
    expected = mean_day_cost(task.params) / task.params.price_median
    assert cost.mean() == pytest.approx(expected, abs=4 * cost.std() / 16)


@pytest.mark.parametrize(
    "kwargs",
    [{}, {"preset": "delayed"}, {"auction": "first"}, {"preset": "plain"}, {"preset": "newcampaign"}],
)
def test_hindsight_is_never_beaten(kwargs):
    check_bound(PacingTask(**kwargs), 128, seed=8)


@pytest.mark.slow
def test_hindsight_is_never_beaten_in_ten_thousand_days():
    task = PacingTask()
    for seed in range(40):
        check_bound(task, 256, seed, names=("random", "feedback"))


def check_bound(task, n, seed, names=("random", "feedback", "oracle_policy")):
    bound = oracle.hindsight(task, n, seed)
    for name in names:
        loop = StepLoop(task, n)
        policy = {
            "random": lambda loop: random_policy(task, n, seed),
            "feedback": lambda loop: baselines.model_predictive_feedback(task),
            "oracle_policy": oracle.OraclePolicy,
        }[name](loop)
        totals = run_episodes(loop, policy, seed)
        assert np.all(totals["expected"] <= bound * (1 + 1e-4)), name


def test_replay_meets_the_days_of_the_loop():
    task = PacingTask(start_spread=0.0)
    days = list(oracle.replay_days(task, 4, 9))
    totals = run_episodes(StepLoop(task, 4), lambda obs: np.ones((len(obs), 1), np.float32), 9)
    np.testing.assert_array_equal(totals["auctions"], [day.cost.size for day in days])


def test_tables_cover_a_day():
    tables = build_tables(PacingParams())
    assert tables.traffic_left[0] == pytest.approx(1.0)
    assert tables.traffic_left[-1] == 0.0
    assert np.exp(tables.traffic[:-1]).mean() == pytest.approx(400.0, rel=1e-4)
