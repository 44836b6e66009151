"""Exact and fluid programmes against independent computations, and bounds that no policy beats."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import linprog, minimize_scalar
from scipy.stats import poisson

from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.pricing.season.baselines import FAMILIES, policy_of
from sb3_ecom.envs.pricing.season.env import SeasonTask
from sb3_ecom.envs.pricing.season.fluid import Seasons, upper_bounds
from sb3_ecom.envs.pricing.season.fluid_programme import solve
from sb3_ecom.envs.pricing.season.known_demand import mean_demand, price_grid, solve_known
from sb3_ecom.envs.pricing.season.oracle import draw_seasons, known_demand, oracle
from sb3_ecom.envs.pricing.season.params import SeasonParams

ONE = {"price": (30.0,), "appeal": (0.2,), "stock": (5,), "periods": 4, "visitors": 3.0}
CERTAIN = dict.fromkeys(("level_sd", "level_drift", "sensitivity_sd", "sensitivity_drift"), 0.0)


def test_every_cell_is_that_of_the_linear_programme_of_the_markov_decision_process():
    params = SeasonParams(**ONE, salvage=0.2)
    visitors, sensitivity = np.array([1.0, 4.0, 2.0, 3.0]), np.array([1.0, 3.0, 0.7, 2.0])
    factors = price_grid(params, 7)
    ours = solve_known(visitors, sensitivity, params, factors).values
    width, rows, right = params.stock[0] + 1, [], []
    worth = 30.0 * 0.2 * np.arange(width)
    for t in range(4):
        for stock in range(width):
            for factor in factors:
                weight = math.exp(0.2 - sensitivity[t] * (factor - 1))
                mean = visitors[t] * weight / (1 + weight)
                chance = [poisson.pmf(k, mean) for k in range(stock)]
                chance.append(1 - sum(chance))
                row, gain = np.zeros(4 * width), sum(p * k for k, p in enumerate(chance)) * 30 * factor
                row[t * width + stock] -= 1
                for k, p in enumerate(chance):
                    if t == 3:
                        gain += p * worth[stock - k]
                    else:
                        row[(t + 1) * width + stock - k] += p
                rows.append(row)
                right.append(-gain)
    found = linprog(np.ones(4 * width), A_ub=rows, b_ub=right, bounds=(None, None), method="highs")
    assert found.status == 0
    np.testing.assert_allclose(ours[:4], found.x.reshape(4, width), atol=1e-6)
    np.testing.assert_allclose(ours[4], worth)


def test_the_grid_of_prices_costs_next_to_nothing():
    params = SeasonParams(**ONE)
    solved = solve_known(np.full(4, 3.0), np.full(4, 2.0), params)
    for stock in (1, 3, 5):

        def loss(factor, stock=stock):
            mean = float(mean_demand(np.array([factor]), 3.0, 2.0, params)[0])
            sold = np.minimum(np.arange(60), stock)
            later = solved.values[3][stock - sold]
            return -float(poisson.pmf(np.arange(60), mean) @ (30 * factor * sold + later))

        best = -minimize_scalar(loss, bounds=(0.5, 2.5), method="bounded", options={"xatol": 1e-8}).fun
        assert best * (1 - 1e-4) <= solved.values[2, stock] <= best + 1e-6


def test_the_limit_of_short_periods_is_the_closed_form_of_gallego_and_van_ryzin():
    """Demand a exp(-x): J(c, t) = log sum_{i <= c} (a t / e)^i / i! (their section 2.3)."""
    slope, appeal, periods, stock, total = 4.0, -14.0, 3000, 5, 6.0 * math.e
    visitors = total / periods / math.exp(appeal + slope)
    season = {"price": (1.0,), "appeal": (appeal,), "stock": (stock,), "periods": periods, "visitors": 1.0}
    params = SeasonParams(**season, **CERTAIN, floor=0.05, cap=2.0)
    solved = solve_known(
        np.full(periods, visitors), np.full(periods, slope), params, np.geomspace(0.05, 2.0, 200)
    )
    for units in range(1, stock + 1):
        exact = math.log(sum((total / math.e) ** i / math.factorial(i) for i in range(units + 1))) / slope
        assert solved.values[0, units] == pytest.approx(exact, rel=2e-3)


def test_the_optimum_is_what_its_prices_earn_in_the_simulator():
    task = SeasonTask(**ONE, **CERTAIN)
    found = oracle(task)
    assert found.kind == "optimal"
    assert found.stderr == 0
    programme = solve_known(np.full(4, 3.0), np.full(4, 2.4), task.params)
    loop = StepLoop(task, 20_000)

    def policy(observation):
        view = task.view(observation)
        factor = programme.factor_of(4 - view.periods_left, view.stock[:, 0])
        return task.to_action(factor[:, None].astype(np.float32))

    returns = run_episodes(loop, policy, 3)["reward"]
    assert returns.mean() == pytest.approx(found.value, abs=4 * returns.std() / math.sqrt(20_000))


@pytest.mark.parametrize("salvage", [0.0, 0.4])
def test_the_dual_bound_is_the_optimum_that_highs_finds(salvage):
    task = SeasonTask(salvage=salvage, periods=8)
    seasons = draw_seasons(task, 6, seed=4)
    bounds = upper_bounds(seasons, task.params)
    for row in range(6):
        exact = solve(seasons.visitors[row], seasons.sensitivity[row], task.params)
        assert exact.bound == pytest.approx(exact.value, rel=1e-6)
        assert exact.value * (1 - 1e-9) <= bounds[row] <= exact.value * (1 + 5e-3)


def test_the_fluid_bound_is_above_the_exact_programme_and_near_it_where_stock_is_large():
    ratios = []
    for scale in (1, 20):
        params = SeasonParams(
            price=(30.0,), appeal=(0.2,), stock=(2 * scale,), periods=6, visitors=scale * 1.0
        )
        visitors, slope = np.full(6, scale * 1.0), np.full(6, 2.4)
        exact = solve_known(visitors, slope, params).value
        fluid = upper_bounds(Seasons(visitors[None], slope[None], np.array([[2.0 * scale]])), params)[0]
        ratios.append(exact / fluid)
    assert ratios[0] < ratios[1] <= 1
    assert ratios[1] > 0.95


@pytest.mark.parametrize("waiting", [0.0, 0.6])
def test_no_policy_beats_the_bound_of_known_demand_in_ten_thousand_seasons(waiting):
    """Every season has its own bound, that of the demand it was dealt from start to end."""
    n = 10_000
    task = SeasonTask(
        price=(20.0, 30.0), appeal=(0.0, 0.3), stock=(12, 9), periods=8, visitors=5.0, waiting=waiting
    )
    makers = {
        "known_demand": known_demand,
        "resolved": lambda loop: policy_of(loop.task, FAMILIES["fluid_resolved"].make(task.params, (0.0,))),
        "pace": lambda loop: policy_of(loop.task, FAMILIES["stock_pace"].make(task.params, (0.4, 1.0, 0.0))),
        "cap": lambda loop: lambda observation: np.ones((len(observation), 2), np.float32),
    }
    bounds = None
    for name, make in makers.items():
        logs, earned = play(task, make, n)
        if bounds is None:  # the same seasons for every policy
            visitors, slope = (base * np.exp(logs[..., k]) for k, base in ((0, 5.0), (1, 2.4)))
            bounds = upper_bounds(Seasons(visitors, slope, np.tile([12.0, 9.0], (n, 1))), task.params)
        assert (bounds - earned).mean() > 0, name


def play(task, make, n):
    """Play n seasons to the end; return the hidden logs of every period, (n, T, 2), and what was earned."""
    source = NumpyBackend(np.random.default_rng(11))
    shop = SimpleNamespace(task=task, state=task.initial_state(task.draw_reset(source, n)))
    policy, logs, earned = make(shop), [], np.zeros(n)
    for _ in range(task.horizon):
        logs.append(shop.state.hidden.logs.astype(float))
        action = policy(task.observe(shop.state))
        shop.state, outcome = task.step(shop.state, action, task.draw_step(source, n))
        earned += task.reward(task.terms(outcome))
    return np.stack(logs, axis=1), earned
