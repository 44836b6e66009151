import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.inventory.shop.demand_paths import demand_paths
from sb3_ecom.envs.inventory.shop.dynamics import Noise, to_poisson
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.oracle import relaxed_profits
from sb3_ecom.envs.inventory.shop.reorder_rules import RULES
from sb3_ecom.envs.inventory.shop.tuning import item_profits, view_of


@pytest.fixture(scope="module")
def task():
    return ShopTask()


def quiet_noise(task, n=1, lead_time=2.0):
    """A day on which every hidden rate yields a demand of zero."""
    size = (n, task.params.demand.items)
    none = np.zeros(size, np.float32)
    return Noise(none, none, none, none, np.full(size, lead_time, np.float32))


def start(task, n=1):
    state = task.initial_state(task.draw_reset(NumpyBackend(np.random.default_rng(0)), n))
    return on_monday(state)  # no sale on Saturdays


def on_monday(state):
    return State(*(part._replace(weekday=part.weekday * 0) for part in state))


def with_on_hand(state, on_hand):
    return State(*(part._replace(on_hand=on_hand) for part in state))


def day_of(task, state, order, noise):
    """Let a day pass with given orders; return (state, outcome)."""
    hidden, outcome = task.simulate(state.hidden, order, noise)
    event = task.public_event(hidden, outcome)
    return State(hidden, task.tracker.note(state.tracked, order, event, task.tables.public)), outcome


@pytest.mark.parametrize("mean", [0.1, 0.7, 3.0, 4.9, 5.1, 12.0, 70.0])
def test_inverted_uniform_and_expanded_normal_are_poisson(mean):
    source, n = np.random.default_rng(3), 200_000
    uniform, normal = source.random(n, dtype=np.float32), source.standard_normal(n, dtype=np.float32)
    units = to_poisson(np, np.full(n, mean, np.float32), uniform, normal)
    assert abs(units.mean() - mean) < 4 * np.sqrt(mean / n)
    assert units.var() == pytest.approx(mean, rel=0.04)
    if mean < 5:
        assert (units == 0).mean() == pytest.approx(np.exp(-mean), abs=4 * np.sqrt(0.25 / n))


def test_demand_has_the_fitted_mean_and_dispersion(task):
    # E[D] = mean x calendar and Var[D] = m + m^2 ((1 + 1 / k) exp(sd^2) - 1), pooled over a year of dates.
    demand = demand_paths(ShopTask(horizon=1), 60_000, 5)[0]
    fitted = task.params.demand
    stderr = demand.std(axis=0) / np.sqrt(len(demand))
    assert (np.abs(demand.mean(axis=0) - fitted.mean) < 4 * stderr).all()
    calendar = np.asarray(task.tables.public.calendar)
    shape, sd = np.array(fitted.shape), fitted.drift_sd
    second = np.mean(calendar**2) * np.array(fitted.mean) ** 2 * (1 + 1 / shape) * np.exp(sd**2)
    expected = second + fitted.mean - np.array(fitted.mean) ** 2
    np.testing.assert_allclose(demand.var(axis=0), expected, rtol=0.2)


def test_what_an_empty_shelf_lost_changes_nothing_that_the_agent_sees(task):
    state = start(task, 1)
    state = with_on_hand(state, state.hidden.on_hand * 0 + 1)
    base = quiet_noise(task)
    some = base._replace(gamma=base.gamma + 50, normal=base.normal + 0.5, uniform=base.uniform + 0.9)
    more = some._replace(gamma=some.gamma * 4)
    none = np.zeros_like(state.hidden.on_hand)
    one, first = day_of(task, state, none, some)
    two, second = day_of(task, state, none, more)
    assert (second.demand >= first.demand).all()
    assert (second.lost > first.lost).any()
    np.testing.assert_array_equal(task.observe(one), task.observe(two))


def test_order_arrives_in_the_evening_when_its_lead_time_ends(task):
    state, none = start(task), quiet_noise(task)
    order = np.zeros_like(state.hidden.on_hand)
    order[0, 3] = 7
    before = state.hidden.on_hand[0, 3]
    state, outcome = day_of(task, state, order, none)
    assert (outcome.received[0, 3], state.tracked.under_way[0, 3]) == (0, 7)
    state, outcome = day_of(task, state, order * 0, none)
    assert (outcome.received[0, 3], state.tracked.under_way[0, 3]) == (7, 0)
    assert state.hidden.on_hand[0, 3] == before + 7


def test_deliveries_beyond_the_storage_are_refused_pro_rata(task):
    state = start(task)
    order = np.full_like(state.hidden.on_hand, np.ceil(task.params.capacity))
    _, outcome = day_of(task, state, order, quiet_noise(task, lead_time=1.0))
    assert outcome.left.sum() <= task.params.capacity
    assert outcome.left.sum() > task.params.capacity - task.params.demand.items
    assert np.ptp(outcome.received) == 0
    np.testing.assert_array_equal(outcome.received + outcome.refused, order)


def test_view_reads_the_state_from_the_observation(task):
    loop = StepLoop(task, 32)
    loop.reset(4)
    for _ in range(30):
        result = loop.step(np.zeros((32, 20), np.float32))
    seen, real = task.view(result.observation), view_of(task, loop.state)
    np.testing.assert_array_equal(seen.on_hand, real.on_hand)
    np.testing.assert_array_equal(seen.position, real.position)
    np.testing.assert_allclose(seen.forecast, real.forecast, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(seen.rate, real.rate, rtol=1e-4)


@pytest.mark.parametrize("action", ["reorder", "quantity"])
def test_action_orders_what_the_rule_wants(action):
    task = ShopTask(action=action)
    state = start(task, 8)
    view = view_of(task, state)
    point, top = view.position + 1.0, view.position + 6 * np.asarray(task.tables.public.mean)
    orders = task.tracker.decode(state.tracked, task.to_action(view, point, top), task.tables.public)
    np.testing.assert_allclose(orders, top - view.position, rtol=0.02, atol=1.0)


def test_zero_action_is_the_textbook_rule(task):
    zeros = np.zeros(10)
    state = start(task, 4)
    view = view_of(task, state)
    action = task.to_action(view, *RULES["forecast_s_S"](task)(task, view, zeros, zeros))
    np.testing.assert_allclose(action, 0.0, atol=1e-5)


def test_relaxed_program_is_exact_on_a_case_by_hand():
    task = ShopTask(num_items=1, horizon=3)
    tables = task.tables.public
    demand = np.array([2.0, 0.0, 5.0])[:, None, None]
    margin, holding, line = (float(np.ravel(x)[0]) for x in (tables.margin, tables.holding, tables.line))
    # Day 0 from the stock; day 2 from the stock too (two evenings), or by a line and one evening.
    by_hand = 7 * margin - min(5 * 2 * holding, line + 5 * holding)
    assert relaxed_profits(task, demand)[0, 0] == pytest.approx(by_hand, rel=1e-5)


def test_no_policy_beats_the_relaxed_bound_on_its_own_path(task):
    bound = relaxed_profits(task, demand_paths(task, 64, 7))
    zeros = np.zeros(10)
    for name, rule in RULES.items():
        profit = item_profits(task, rule, zeros, zeros, copies=64, seed=7) * task.horizon
        assert (profit <= bound + 1e-3).all(), name


def test_rule_that_knows_the_rate_beats_every_rule_that_does_not():
    known = sb3_ecom.evaluate("EcomInventory-v0", "known_rate", episodes=256, seed=2)
    for name in sb3_ecom.spec("EcomInventory-v0").baselines:
        difference, stderr = known.minus(sb3_ecom.evaluate("EcomInventory-v0", name, episodes=256, seed=2))
        assert difference > 3 * stderr, name


def test_larger_shops_and_other_presets():
    for items in (1, 50, 200):
        loop = StepLoop(ShopTask(num_items=items), 2)
        observation = loop.reset(0)
        assert observation.shape == (2, 11 + 5 * items + 14 * (1 + 2 * items))
        assert np.isfinite(loop.step(np.zeros((2, 2 * items), np.float32)).reward).all()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_items": 0}, r"num_items must be a whole number in \[1, 200\] items of this preset, got 0"),
        ({"preset": "corner_shop"}, "preset must be one of online_retail_uk"),
        ({"action": "telepathy"}, "action must be one of reorder, quantity, got 'telepathy'"),
        ({"margin": 1.2}, r"margin must be in \[0.001, 1\), got 1.2"),
        ({"lead_time_mean": 0.0}, r"lead_time_mean must be in \[1, 60\] days, got 0.0"),
    ],
)
def test_invalid_params_name_parameter_bound_and_value(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ShopTask(**kwargs)
