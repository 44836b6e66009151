import warnings

import numpy as np
import pytest

from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.shop.demand_paths import demand_paths
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.forecasts import (
    HoltWinters,
    fitted_constants,
    holt_winters,
    seasonal_naive,
)
from sb3_ecom.envs.inventory.shop.oracle import relaxed_profits
from sb3_ecom.envs.inventory.shop.promotions import (
    IDLE,
    PromotionNoise,
    Promotions,
    advance,
    lift_ahead,
    substitute,
)
from sb3_ecom.envs.inventory.shop.reorder_rules import RULES, can_order
from sb3_ecom.envs.inventory.shop.tuning import item_profits, parameters, view_of

PROMOTIONS = {"promotions_a_year": 6.0}
TRUCKS = {"dispatch_days": (0, 3), "truck_cost": 0.6, "truck_days": 4.0}
EVERYTHING = {**PROMOTIONS, **TRUCKS, "substitution": 0.4}


def row(*values):
    return np.array([values], dtype=np.float32)


def play(task, actions, days, n=8, seed=3):
    source = NumpyBackend(np.random.default_rng(seed))
    state = task.initial_state(task.draw_reset(source, n))
    for _ in range(days):
        before = state
        state, outcome = task.step(state, actions(state), task.draw_step(source, n))
        yield before.hidden, outcome


def test_promotion_is_announced_then_runs_then_ends():
    days = {"promotions_a_year": 365 / 4, "promotion_days": 2, "promotion_notice": 1}  # no day is idle
    params = ShopTask(num_items=1, promotion_spread=0.0, **days).params
    assert params.promotion_rate == 1.0
    noise = PromotionNoise(row(0.5), row(0.0))
    promotions = Promotions(row(IDLE), row(1.0))
    seen = []
    for _ in range(5):
        promotions = advance(promotions, noise, params)
        seen.append(float(promotions.since[0, 0]))
    assert seen == [-1, 0, 1, IDLE, -1]
    assert promotions.uplift == pytest.approx(params.promotion_uplift)


def test_uplift_has_its_mean_and_rate_is_what_was_asked_for():
    task = ShopTask(num_items=1, **PROMOTIONS)
    source, params = NumpyBackend(np.random.default_rng(0)), task.params
    promotions = Promotions(np.full((400, 1), IDLE, np.float32), np.ones((400, 1), np.float32))
    starts, drawn = 0, []
    for day in range(1200):
        noise = PromotionNoise(source.uniform((400, 1)), source.normal((400, 1)))
        promotions = advance(promotions, noise, params)
        begins = promotions.since == 0
        if day >= 200:  # the first promotions of all copies come together
            starts += begins.sum()
            drawn += promotions.uplift[begins].tolist()
    assert starts / 400 / (1000 / 365) == pytest.approx(6.0, rel=0.03)
    assert np.mean(drawn) == pytest.approx(2.2, abs=4 * np.std(drawn) / len(drawn) ** 0.5)


@pytest.mark.parametrize(("since", "days"), [(IDLE, 0), (-9, 0), (-4, 2), (0, 6), (3, 4), (6, 1)])
def test_forecast_counts_the_promotion_s_days_until_arrival(since, days):
    factor = lift_ahead(row(since), 3.0, 6, 7)
    assert factor[0, 0] == pytest.approx(1 + 2 * days / 6)


def test_demand_rises_by_the_uplift_while_a_promotion_runs():
    task = ShopTask(num_items=2, **PROMOTIONS)
    source = NumpyBackend(np.random.default_rng(0))
    state = task.initial_state(task.draw_reset(source, 20_000))
    running = np.zeros_like(state.hidden.on_hand)
    running[:, 0] += 3.0
    running[:, 1] += IDLE
    uplift = running * 0 + 2.5
    idle = running * 0 + IDLE
    started, plain = (
        State(
            state.hidden._replace(promotions=Promotions(since, uplift)),
            state.tracked._replace(promotion_day=since),
        )
        for since in (running, idle)
    )
    noise, none = task.draw_step(source, 20_000), np.full((20_000, 4), -1.0, np.float32)
    lifted, usual = (task.step(start, none, noise)[1].demand for start in (started, plain))
    assert lifted[:, 0].mean() == pytest.approx(2.5 * usual[:, 0].mean(), rel=0.03)
    np.testing.assert_array_equal(lifted[:, 1], usual[:, 1])


def test_customers_of_an_empty_shelf_take_what_the_neighbour_has():
    taken, replaced = substitute(row(8, 0, 4), row(0, 3, 0), row(0.9, 0.9, 0.9), 0.5, np.array([1, 0, 2]))
    np.testing.assert_array_equal(taken, [[0, 3, 0]])  # 4 ask, 3 are there
    np.testing.assert_array_equal(replaced, [[3, 0, 0]])


def test_substitution_makes_no_customer_and_loses_none():
    task = ShopTask(**{"substitution": 0.6, "num_items": 5})
    sold = 0.0
    for before, outcome in play(task, lambda state: np.full((8, 10), -0.4, np.float32), 120):
        np.testing.assert_array_equal(
            outcome.sales.sum(axis=1) + outcome.lost.sum(axis=1), outcome.demand.sum(axis=1)
        )
        assert (outcome.sales <= before.on_hand).all()
        assert (outcome.lost >= 0).all()
        sold += np.maximum(outcome.sales - outcome.demand, 0).sum()
    assert sold > 0


def test_orders_leave_on_dispatch_days_only_and_share_trucks():
    task = ShopTask(**TRUCKS)
    days = set()
    for before, outcome in play(task, lambda state: np.zeros((8, 20), np.float32), 40):
        units = outcome.order.sum(axis=1)
        days |= set(before.weekday[units > 0].astype(int).tolist())
        np.testing.assert_array_equal(outcome.trucks, np.ceil(units / task.params.truck_units))
        terms = task.terms(outcome)
        np.testing.assert_allclose(terms["trucks"], -0.6 * outcome.trucks, rtol=1e-6)
    assert days == {0, 3}
    assert [task.params.days_to_cover(day) for day in (0, 3)] == [8, 9]


def test_item_that_must_be_ordered_takes_along_those_that_can_be():
    task = ShopTask(num_items=3, **TRUCKS)
    state = task.initial_state(task.draw_reset(NumpyBackend(np.random.default_rng(0)), 1))
    zeros = np.zeros(3)
    view = view_of(task, state)
    lot = view.rate * 7
    position = view.forecast + lot * np.array([-0.05, 0.3, 0.9])
    view = view._replace(position=position)
    point, _ = can_order(0.4)(task, view, zeros, zeros)
    np.testing.assert_array_equal(position <= point, [[True, True, False]])
    point, _ = can_order(0.4)(task, view._replace(position=view.forecast + lot * 0.3), zeros, zeros)
    assert not (view.forecast + lot * 0.3 <= point).any()


@pytest.mark.parametrize("kwargs", [PROMOTIONS, TRUCKS, {"substitution": 0.5}, EVERYTHING])
def test_bound_holds_on_every_path_with_options(kwargs):
    task = ShopTask(horizon=60, **kwargs)
    bound = relaxed_profits(task, demand_paths(task, 32, 7)).sum(axis=1)
    zeros = np.zeros((32, 20), np.float32)
    outcomes = [outcome for _, outcome in play(task, lambda state: zeros, 60, n=32, seed=7)]
    profit = sum(task.counters(outcome, task.terms(outcome))["profit"] for outcome in outcomes)
    assert (profit <= bound + 1e-3).all()


def test_observation_tells_of_promotions_and_view_still_reads_the_state():
    task = ShopTask(**EVERYTHING)
    loop = StepLoop(task, 16)
    assert loop.reset(4).shape == (16, 11 + 7 * 10 + 14 * 21)
    for _ in range(60):
        result = loop.step(np.zeros((16, 20), np.float32))
    seen, real = task.view(result.observation), view_of(task, loop.state)
    np.testing.assert_array_equal(seen.position, real.position)
    np.testing.assert_allclose(seen.forecast, real.forecast, rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(seen.sales, real.sales)
    running = loop.state.hidden.promotions.since >= 0
    assert running.any()
    np.testing.assert_array_equal(result.observation[:, 61:71] > 0, running)


def test_smoothing_is_that_of_statsmodels():
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    source, constants = np.random.default_rng(0), np.array([0.3, 0.1, 0.2, 0.9])
    sales = source.gamma(2.0, 0.5, 60)
    weekly = np.array([0.1, 0.2, 0.0, 0.3, 0.1, -0.5, -0.2])
    ours = HoltWinters(constants, weekly)
    ours.update(np.ones((1, 1)), np.zeros(1), np.array([False]))
    for day, units in enumerate(sales):
        ours.update(np.array([[units]]), np.array([day % 7]), np.array([True]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ExponentialSmoothing(
            sales,
            trend="add",
            damped_trend=True,
            seasonal="add",
            seasonal_periods=7,
            initialization_method="known",
            initial_level=1.0,
            initial_trend=0.0,
            initial_seasonal=weekly,
        )
        fit = model.fit(
            smoothing_level=0.3,
            smoothing_trend=0.1,
            smoothing_seasonal=0.2,
            damping_trend=0.9,
            optimized=False,
        )
    assert ours.level[0, 0] == pytest.approx(fit.level[-1], abs=1e-9)
    assert ours.ahead(np.array([60 % 7]), 6)[0, 0] == pytest.approx(fit.forecast(6).sum(), abs=1e-9)


def test_constants_of_another_shop_are_fitted_and_lie_in_their_range():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        constants = fitted_constants(ShopTask(num_items=2).signature)
    assert constants.shape == (4,)
    assert ((constants >= 0) & (constants <= 1)).all()


def test_forecasts_read_sales_of_the_same_weekdays():
    task = ShopTask(num_items=2)
    state = task.initial_state(task.draw_reset(NumpyBackend(np.random.default_rng(0)), 1))
    sales = np.tile(np.arange(14.0) % 7 + 1, (2, 1)).T[None]  # 1 on the weekday of today, 7 on yesterday's
    view = view_of(task, state)._replace(
        sales=sales, stock_out=np.zeros((1, 14, 2), bool), seen=np.ones((1, 14), bool)
    )
    ahead, usual = seasonal_naive(task, view)
    np.testing.assert_allclose(ahead, 1 + 2 + 3 + 4 + 5 + 6)
    np.testing.assert_allclose(usual, 4.0)


def test_holt_winters_starts_anew_with_every_episode():
    task = ShopTask(num_items=2)
    predict = holt_winters(task)
    state = task.initial_state(task.draw_reset(NumpyBackend(np.random.default_rng(0)), 3))
    view = view_of(task, state)
    first = predict(task, view)
    busy = view._replace(sales=view.sales + 900.0, seen=np.ones_like(view.seen))
    assert (predict(task, busy)[1] > 2 * first[1]).all()
    np.testing.assert_allclose(predict(task, view)[0], first[0])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"promotions_a_year": 20.0}, r"promotions_a_year must leave days between promotions, got 20\.0"),
        ({"substitution": 1.5}, r"substitution must be in \[0, 1\], got 1\.5"),
        ({"dispatch_days": ()}, "dispatch_days must name at least one weekday"),
        ({"dispatch_days": (7,)}, r"dispatch_days must be a whole number in \[0, 6\], got 7"),
        ({"truck_days": 0.0}, r"truck_days must be in \[0.001, 1000\] days, got 0.0"),
        ({"truck_cost": -1.0}, r"truck_cost must be in \[0, 1000\], got -1.0"),
    ],
)
def test_invalid_options_name_parameter_bound_and_value(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ShopTask(**kwargs)


@pytest.mark.parametrize("kwargs", [{}, TRUCKS, {"reward_weights": {"margin": 1.0, "holding": 3.0}}])
def test_what_the_items_earn_is_the_reward(kwargs):
    loop, draw = StepLoop(ShopTask(**kwargs), 16), np.random.default_rng(0)
    loop.reset(3)
    for _ in range(40):
        result = loop.step(draw.uniform(-1, 1, (16, 20)).astype(np.float32))
        np.testing.assert_allclose(result.step_info["item_reward"].sum(axis=1), result.reward, atol=2e-5)
        assert np.ptp(result.step_info["item_reward"]) > 0


@pytest.mark.parametrize(
    ("kwargs", "same"),
    [
        ({"action": "quantity"}, True),  # the rules want the same orders
        ({"horizon": 400}, True),  # a longer stay in the same shop
        ({"reward_weights": {"margin": 1.0}}, False),
        ({"penalty": 1.0}, False),
        ({"capacity_days": 8.0}, False),
        ({"num_items": 9}, False),
        ({"dispatch_days": (0, 3)}, False),
    ],
)
def test_rules_know_which_shop_they_are_tuned_for(kwargs, same):
    other = ShopTask(**kwargs)
    assert (other.tuning_signature == ShopTask().tuning_signature) is same
    again = ShopTask.from_signature(other.signature)
    assert again.params == other.params
    assert again.tuning_signature == other.tuning_signature


def test_rules_of_another_shop_are_tuned_for_it(caplog):
    # Where holding costs nothing and storage is ample, a tuned rule orders larger lots.
    kwargs = {"num_items": 2, "holding_rate": 0.0, "capacity_days": 90.0, "horizon": 60}
    task = ShopTask(**kwargs)
    u, v = parameters(task, "forecast_s_S")
    assert "tuning forecast_s_S for this shop" in caplog.text
    usual_u, usual_v = parameters(ShopTask(), "forecast_s_S")
    assert (u + v > usual_u[:2] + usual_v[:2]).all()
    own, usual = (
        item_profits(task, RULES["forecast_s_S"], *point, copies=64, seed=5).sum(axis=1)
        for point in ((u, v), (usual_u[:2], usual_v[:2]))
    )
    difference = own - usual
    assert difference.mean() > 3 * difference.std() / len(difference) ** 0.5


def test_bound_weighs_the_terms_as_the_reward_does():
    task = ShopTask(horizon=60, reward_weights={"margin": 2.0})  # nothing costs anything
    bound = relaxed_profits(task, demand_paths(task, 16, 7))
    demand = demand_paths(task, 16, 7).sum(axis=0)
    np.testing.assert_allclose(bound, 2 * demand * np.asarray(task.tables.public.margin), rtol=1e-5)
