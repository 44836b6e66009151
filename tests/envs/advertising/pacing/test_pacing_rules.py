"""The shading optimum against brute force and a linear programme; simpler bidders; names in info."""

import itertools

import numpy as np
import pytest
from scipy import integrate, optimize, stats

import sb3_ecom
from sb3_ecom.core.evaluate import random_policy, run_episodes, summarise
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.advertising.pacing import baselines, oracle, rules, shading
from sb3_ecom.envs.advertising.pacing.env import PacingTask
from sb3_ecom.envs.advertising.pacing.market import value_quantiles
from sb3_ecom.envs.advertising.pacing.params import PacingParams
from sb3_ecom.envs.advertising.pacing.planning import unscale


@pytest.mark.parametrize("sd", [0.3, 0.76, 1.2])
def test_shaded_bid_is_the_best_one(sd):
    """(w - b) f(b) = F(b), against a bounded search over bids."""
    for worth, centre in itertools.product((0.05, 0.7, 2.0, 30.0), (-0.5, 0.0, 1.0)):
        law = stats.lognorm(s=sd, scale=np.exp(centre))
        found = optimize.minimize_scalar(
            lambda u, w=worth, law=law: -(w - np.exp(u)) * law.cdf(np.exp(u)),
            bounds=(np.log(worth) - 4, np.log(worth)),
            method="bounded",
            options={"xatol": 1e-9},
        )
        bid = float(shading.shaded_bid(np.array([worth]), np.array([centre]), sd)[0])
        gain = (worth - bid) * law.cdf(bid)
        assert gain >= -found.fun * (1 - 1e-9)
        assert (worth - bid) * law.pdf(bid) == pytest.approx(law.cdf(bid), rel=1e-6)


def test_best_surplus_equals_integration():
    params = PacingParams(auction="first")
    surplus, rho, sp = shading.best_surplus(params), params.value_correlation, params.price_spread

    def at(score, worth):
        value = float(value_quantiles(params, np.asarray(score)))
        law = stats.lognorm(s=sp * np.sqrt(1 - rho**2), scale=np.exp(sp * rho * score - sp**2 / 2))
        bids = worth * value * np.linspace(0, 1, 2001)
        return ((worth * value - bids) * law.cdf(bids)).max() * stats.norm.pdf(score)

    for log_worth in (-1.0, 0.5, 2.0):
        exact = integrate.quad(at, -5, 5, args=(np.exp(log_worth),), limit=80, epsabs=1e-6)[0]
        assert np.interp(log_worth, shading.LOG_VALUATIONS, surplus) == pytest.approx(exact, rel=1e-3)


def test_dual_bound_equals_a_linear_programme_over_bids():
    """Three ticks, values on nodes, a grid of bids: the programme's optimum, from HiGHS."""
    params = PacingParams(auction="first")
    g = np.random.default_rng(4)
    auctions, level = g.uniform(200, 500, (1, 3)), g.normal(0, 0.3, (1, 3))
    worth, budget = 0.1 * np.exp(g.normal(0, 0.6, (1, 3))), np.array([150.0])
    nodes, weights = np.polynomial.legendre.leggauss(40)
    score, weight = nodes * 5, weights * 5 * stats.norm.pdf(nodes * 5)
    value = value_quantiles(params, score)
    rho, sp = params.value_correlation, params.price_spread
    bids = np.exp(np.linspace(-5, 3, 160))
    centre = level[0][:, None] + sp * rho * score - sp**2 / 2
    win = stats.norm.cdf((np.log(bids) - centre[:, :, None]) / (sp * np.sqrt(1 - rho**2)))
    scale = auctions[0][:, None, None] * weight[:, None] * win
    gain, cost = scale * worth[0][:, None, None] * value[:, None], scale * bids
    one = np.kron(np.eye(120), np.ones((1, 160)))
    found = optimize.linprog(
        -gain.ravel(),
        A_ub=np.vstack([cost.reshape(1, -1), one]),
        b_ub=[budget[0], *np.ones(120)],
        bounds=(0, None),
        method="highs",
    )
    bound = shading.dual_bound(params, shading.Path(auctions, level, worth), budget)[0]
    assert bound == pytest.approx(-found.fun, rel=3e-3)
    assert bound >= -found.fun * (1 - 1e-4)


def test_shading_optimum_bounds_every_first_price_bidder_and_is_below_hindsight():
    task, n = PacingTask(auction="first"), 128
    bound, hindsight = shading.bounds(task, n, 8), oracle.hindsight(task, n, 8)
    assert bound.mean() < 0.85 * hindsight.mean()
    loop = StepLoop(task, n)
    policies = (
        random_policy(task, n, 1),
        baselines.model_predictive_feedback(task),
        rules.marginal_return(task),
        oracle.OraclePolicy(loop),
    )
    for policy in policies:
        gap = bound - run_episodes(loop, policy, 8)["expected"]
        assert gap.mean() > 3 * gap.std() / np.sqrt(n)
    found = sb3_ecom.spec("EcomAds-v0").oracle(episodes=64, auction="first")
    assert found.kind == "bound"
    assert "no single price" in found.information


@pytest.mark.parametrize("auction", ["second", "first"])
def test_logged_spend_is_what_a_multiplier_spends(auction):
    task = PacingTask(
        auction=auction, control="absolute", start_spread=0.0, budget_low=50.0, budget_high=50.0
    )
    table = rules.spend_table(task, 96, 5)
    totals = run_episodes(StepLoop(task, 256), lambda obs: np.zeros((len(obs), 1), np.float32), 3)
    spent = totals["day_spend"] / task.params.price_median * 1e6
    expected = np.interp(0.0, rules.GRID, table[0])
    assert expected == pytest.approx(spent.mean(), abs=4 * spent.std() * np.sqrt(1 / 256 + 1 / 96))
    assert np.all(np.diff(table, axis=0) <= 0)
    assert np.all(np.diff(table, axis=1) >= 0)
    assert np.all(table[-1] == 0)


def test_online_programme_bids_the_dual_price_of_its_log():
    """At the start of a day: the multiplier under which the log spends the budget."""
    task = PacingTask()
    loop = StepLoop(task, 32)
    seen = unscale(task, loop.reset(3))
    action = rules.online_lp(task)(task.observe(loop.state))
    table = rules.spend_table(task, 24, 77)[0]
    wanted = np.array([rules.GRID[table <= left].max() for left in seen.left])
    reached = np.clip((wanted - seen.log_multiplier) / 0.5, -1, 1)
    np.testing.assert_allclose(action[:, 0], reached, atol=1e-5)


def test_ladder_of_simple_rules():
    """One price, even the best, < online programme < marginal return, paired."""
    task, n = PacingTask(), 256
    makers = (rules.fixed_cpa, rules.online_lp, rules.marginal_return)
    returns = [run_episodes(StepLoop(task, n), make(task), 21)["expected"] for make in makers]
    for worse, better in itertools.pairwise(returns):
        gap = better - worse
        assert gap.mean() > 3 * gap.std() / np.sqrt(n)


@pytest.mark.parametrize("env_id", [name for name in sb3_ecom.specs() if name.startswith("EcomAds")])
def test_a_name_in_info_means_one_thing(env_id):
    """A reward term and a report once shared the name spend, with different signs and units."""
    task = sb3_ecom.spec(env_id).make_task()
    loop = StepLoop(task, 4)
    loop.reset(0)
    result = loop.step(random_policy(task, 4, 0)(None))
    assert not set(result.terms) & set(result.step_info)


def test_reports_of_a_day_agree_with_its_totals():
    task = PacingTask()
    loop = StepLoop(task, 8)
    loop.reset(2)
    spent = np.zeros(8)
    for _ in range(task.horizon):
        result = loop.step(np.zeros((8, 1), np.float32))
        spent = spent + result.step_info["spend"]
        budget_use = result.step_info["budget_use"]
        np.testing.assert_allclose(
            result.step_info["cpa"] * np.maximum(result.terms["conversions"], 1),
            result.step_info["spend"],
            rtol=1e-5,
        )
    np.testing.assert_allclose(budget_use, spent / result.totals["day_budget"], rtol=1e-4)
    np.testing.assert_allclose(result.step_info["pacing_error"], np.abs(budget_use - 1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("env_id", ["EcomAdsAuto-v0", "EcomAdsKeyword-v0", "EcomAdsChannel-v0"])
def test_reports_agree_with_metrics(env_id):
    """Spend, ROI, win rate and pacing error of every step add up to the episode's metrics."""
    task, n = sb3_ecom.spec(env_id).make_task(), 16
    loop, policy = StepLoop(task, n), random_policy(task, n, 5)
    loop.reset(2)
    reports = []
    for _ in range(task.horizon):
        result = loop.step(policy(None))
        reports.append(result.step_info)
        assert set(result.step_info) == set(task.step_info_keys)
    metrics = summarise(task.metrics, result.totals)
    totals = {name: np.sum([report[name] for report in reports], axis=0) for name in task.step_info_keys}
    for name in ("pacing_error",) if "pacing_error" in totals else ():
        assert totals[name].sum() / n / task.horizon == pytest.approx(metrics[name], rel=1e-4)
    if env_id == "EcomAdsAuto-v0":
        np.testing.assert_allclose(totals["spend"], result.totals["spend"], rtol=1e-4)
        assert totals["value"].sum() / n == pytest.approx(metrics["value"], rel=1e-4)
        used = reports[-1]["budget_use"] * result.totals["day_budget"]
        assert used.sum() / result.totals["day_budget"].sum() == pytest.approx(
            metrics["budget_use"], rel=1e-4
        )
    elif env_id == "EcomAdsKeyword-v0":
        np.testing.assert_allclose(totals["value"], result.totals["revenue"], rtol=1e-4)
        budget = result.totals["budget"] / task.horizon
        np.testing.assert_allclose(totals["budget_use"] * budget, result.totals["cost"], rtol=1e-3)
    else:
        revenue = np.sum([report["roi"] * report["spend"] for report in reports], axis=0)
        np.testing.assert_allclose(revenue, result.totals["revenue"], rtol=1e-3)
