"""A period of EcomPricing-v0 by hand: choice, stock, waiting, drift, money."""

import numpy as np
import pytest

from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.pricing.season import dynamics
from sb3_ecom.envs.pricing.season.dynamics import HiddenState, StepNoise
from sb3_ecom.envs.pricing.season.env import SeasonTask

TWO = {"price": (10.0, 20.0), "appeal": (0.5, -0.5), "stock": (3, 4)}


def noise_of(uniform, drift=(0.0, 0.0)):
    uniform = np.asarray([uniform], np.float32)
    return StepNoise(uniform, np.zeros_like(uniform), np.asarray([drift], np.float32))


def opened(task, logs=(0.0, 0.0)):
    hidden, _ = task.start(np.zeros((1, 2), np.float32))
    return hidden._replace(logs=np.asarray([logs], np.float32))


def test_demand_is_the_logit_share_of_poisson_visitors():
    task = SeasonTask(**TWO, visitors=6.0, sensitivity=2.0)
    hidden = opened(task, logs=(np.log(1.5), np.log(0.5)))
    factor = np.array([[1.2, 0.8]], np.float32)
    mean, waiting, lowest = dynamics.expected_demand(hidden, factor, task.params, task.tables.public)
    weights = np.exp([0.5 - 1.0 * 0.2, -0.5 + 1.0 * 0.2])
    np.testing.assert_allclose(mean[0], 9.0 * weights / (1 + weights.sum()), rtol=1e-5)
    assert waiting is None
    assert lowest is None


def test_a_period_sells_at_most_the_stock_and_takes_the_money():
    task = SeasonTask(**TWO, visitors=6.0)
    factor = np.array([[1.5, 0.5]], np.float32)
    hidden, outcome = task.simulate(opened(task), factor, noise_of([0.999999, 0.0]))
    assert outcome.demand[0, 0] > 3
    np.testing.assert_array_equal(outcome.sales, [[3, 0]])
    np.testing.assert_array_equal(hidden.stock, [[0, 4]])
    assert outcome.revenue[0] == 3 * 15.0
    assert outcome.unmet[0] == (outcome.demand[0, 0] - 3) * 15.0
    assert not task.terminated(outcome)[0]


def test_what_is_sold_out_is_not_on_offer_and_its_customers_look_elsewhere():
    task = SeasonTask(**TWO)
    both = opened(task)
    one = both._replace(stock=np.array([[0.0, 4.0]], np.float32))
    factor = np.ones((1, 2), np.float32)
    with_both, with_one = (
        dynamics.expected_demand(hidden, factor, task.params, task.tables.public)[0][0]
        for hidden in (both, one)
    )
    assert with_one[0] == 0
    assert with_one[1] == pytest.approx(8.0 * np.exp(-0.5) / (1 + np.exp(-0.5)), rel=1e-5)
    assert with_one[1] > with_both[1]


def test_a_cheaper_product_takes_sales_from_its_neighbour():
    task = SeasonTask(**TWO)
    means = [
        dynamics.expected_demand(opened(task), np.array([pair], np.float32), task.params, task.tables.public)
        for pair in ((1.0, 1.0), (0.7, 1.0))
    ]
    assert means[1][0][0, 0] > means[0][0][0, 0]
    assert means[1][0][0, 1] < means[0][0][0, 1]


def test_the_reference_price_does_not_tell_sensitivity():
    task = SeasonTask(**TWO)
    one = np.ones((1, 2), np.float32)
    means = [
        dynamics.expected_demand(opened(task, (0.0, log)), one, task.params, task.tables.public)[0]
        for log in (-1.0, 1.0)
    ]
    np.testing.assert_array_equal(*means)


def test_hidden_logs_walk_and_stop_at_their_limits():
    task = SeasonTask(**TWO, level_drift=0.2, sensitivity_drift=0.1)
    hidden, _ = task.simulate(opened(task), np.ones((1, 2), np.float32), noise_of([0, 0], (1.0, -2.0)))
    np.testing.assert_allclose(hidden.logs, [[0.2, -0.2]], rtol=1e-6)
    hidden, _ = task.simulate(hidden, np.ones((1, 2), np.float32), noise_of([0, 0], (1e6, -1e6)))
    limits = task.params.level_limit, -task.params.sensitivity_limit
    np.testing.assert_allclose(hidden.logs, [limits], rtol=1e-6)


def test_who_waits_for_the_lowest_price_seen_comes_back():
    task = SeasonTask(**TWO, waiting=0.5, visitors=6.0, sensitivity=2.0)
    hidden = opened(task)
    public = task.tables.public
    low = np.array([[0.6, 0.6]], np.float32)
    _, first, lowest = dynamics.expected_demand(hidden, low, task.params, public)
    at_cap = 0.5 * np.exp(np.array([0.5, -0.5]) - 2.0 * (task.params.cap - 1)).sum()
    at_low = np.exp(np.array([0.5, -0.5]) + 0.8).sum()
    assert first[0] == pytest.approx(6.0 * at_cap / (1 + at_low + at_cap), rel=1e-4)
    np.testing.assert_array_equal(lowest, low)
    after = hidden._replace(waiting=first, lowest=lowest)
    high = np.ones((1, 2), np.float32)
    mean, second, _ = dynamics.expected_demand(after, high, task.params, public)
    at_one = np.exp([0.5, -0.5])
    total = 1 + at_one.sum() + 0.5 * at_low
    np.testing.assert_allclose(mean[0], (6.0 + first[0]) * at_one / total, rtol=1e-4)
    assert second[0] == pytest.approx((6.0 + first[0]) * 0.5 * at_low / total, rel=1e-4)


def test_what_is_left_is_worth_its_salvage_once():
    task = SeasonTask(**TWO, periods=2, salvage=0.25, reward_weights={"salvage": 1.0})
    loop = StepLoop(task, 64)
    loop.reset(0)
    action = np.ones((64, 2), np.float32)
    first, second = loop.step(action), loop.step(action)
    assert not first.reward[~first.terminated].any()
    left = second.step_info["stock"]
    last = second.truncated  # the others sold out and began a new season
    np.testing.assert_allclose(second.terms["salvage"][last], (left @ [2.5, 5.0])[last], rtol=1e-6)
    assert last.sum() > 50


def test_a_season_ends_when_everything_is_sold():
    task = SeasonTask(**TWO, visitors=1000.0)
    loop = StepLoop(task, 8)
    loop.reset(0)
    result = loop.step(-np.ones((8, 2), np.float32))
    assert result.terminated.all()
    np.testing.assert_array_equal(result.totals["units"], np.full(8, 7.0))


def test_observations_read_back_as_units():
    task, n = SeasonTask(), 32
    source = NumpyBackend(np.random.default_rng(0))
    state = task.initial_state(task.draw_reset(source, n))
    assert task.view(task.observe(state)).first.all()
    for _ in range(20):
        action = source.generator.uniform(-1, 1, (n, 4)).astype(np.float32)
        state, outcome = task.step(state, action, task.draw_step(source, n))
        view = task.view(task.observe(state))
        np.testing.assert_array_equal(view.stock, outcome.left)
        np.testing.assert_array_equal(view.sales, outcome.sales)
        np.testing.assert_allclose(view.factor, outcome.factor, rtol=1e-5)
        np.testing.assert_array_equal(view.periods_left, 30 - state.tracked.period)


def test_grid_and_factors_set_the_same_prices():
    grid, box = SeasonTask(action="grid"), SeasonTask()
    tracked = grid.initial_state(np.zeros((9, 2), np.float32)).tracked
    ours = grid.tracker.decode(tracked, np.arange(9), grid.tables.public)
    np.testing.assert_allclose(ours[:, 0], np.geomspace(0.5, 2.5, 9), rtol=1e-5)
    assert (ours == ours[:, :1]).all()
    theirs = box.tracker.decode(tracked, box.to_action(ours), box.tables.public)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    np.testing.assert_array_equal(grid.to_action(ours), np.arange(9))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"stock": (1, 2)}, "stock must have one value per price"),
        ({"cap": 0.9}, "cap must be in"),
        ({"floor": 1.0, "cap": 1.0}, "cap must be above floor"),
        ({"salvage": 0.7}, r"salvage must be in \[0, 0.5\]"),
        ({"visitors": float("nan")}, "visitors must be a finite number"),
        ({"sensitivity": 20.0, "sensitivity_sd": 2.0}, "the largest utility"),
        ({"level_drift": 1.0, "periods": 1000}, "visitors at the highest level"),
        ({"action": "price"}, "action must be one of factors, grid"),
        ({"preset": "none"}, "preset must be one of"),
    ],
)
def test_bad_parameters_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        SeasonTask(**wrong)


def test_hidden_state_has_no_pool_where_nobody_waits():
    hidden, _ = SeasonTask().start(np.zeros((2, 2), np.float32))
    assert isinstance(hidden, HiddenState)
    assert hidden.waiting is None
    assert hidden.lowest is None
