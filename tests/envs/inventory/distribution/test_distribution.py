import itertools

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.inventory.distribution.allocation import (
    equal_shortage_levels,
    fill,
    marginal_levels,
    position_costs,
    relaxed_cost,
)
from sb3_ecom.envs.inventory.distribution.baselines import RULES, best_levels, simulated_costs
from sb3_ecom.envs.inventory.distribution.dynamics import Orders, State, placed_orders, step
from sb3_ecom.envs.inventory.distribution.oracle import ample_cost
from sb3_ecom.envs.inventory.distribution.params import DistributionParams
from sb3_ecom.envs.inventory.single_item.oracle import solve_lost_sales
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams
from sb3_ecom.envs.inventory.single_item.position_costs import best_reorder_levels
from tests.envs.inventory import truth

ID = "EcomDistribution-v0"


def row(*values):
    return np.array([values], dtype=np.float32)


def small_system(**kwargs):
    params = DistributionParams(retailers=2, demand_spread=0.0, **kwargs)
    state = State(row(10.0)[0], row(7.0), row(4.0, 1.0), np.array([[[2.0], [3.0]]], np.float32))
    return params, state


def play(params, state, order, wanted, demand):
    orders = placed_orders(state, Orders(order, wanted), params.position_limit, row(*params.retailer_limits))
    return step(state, orders, demand, params)


def test_warehouse_that_holds_too_little_cuts_all_shipments_by_the_same_factor():
    params, state = small_system()
    state, outcome = play(params, state, row(6.0)[0], row(12.0, 8.0), row(3.0, 5.0))
    np.testing.assert_array_equal(outcome.shipped, [[6, 4]])
    np.testing.assert_array_equal(outcome.left, [[1, 0]])
    np.testing.assert_array_equal(outcome.unmet, [[0, 4]])
    assert (outcome.kept, state.on_hand) == (0, 7)
    np.testing.assert_array_equal(state.inbound, [[6]])
    np.testing.assert_array_equal(state.net, [[3, -1]])  # left or backlog, and what was under way
    np.testing.assert_array_equal(state.outbound[:, :, 0], [[6, 4]])


def test_unmet_demand_is_forgotten_when_it_is_lost():
    params, state = small_system(unmet="lost")
    state, outcome = play(params, state, row(0.0)[0], row(0.0, 0.0), row(3.0, 5.0))
    np.testing.assert_array_equal(outcome.unmet, [[0, 4]])
    np.testing.assert_array_equal(state.net, [[3, 3]])


@pytest.mark.parametrize("kwargs", [{}, {"retailers": 4, "demand": "geometric", "warehouse_lead_time": 1}])
def test_units_are_neither_made_nor_lost(kwargs):
    task = sb3_ecom.spec(ID).make_task(**kwargs)
    loop = StepLoop(task, 16)
    loop.reset(1)
    task.action_space.seed(0)

    def units(state):
        return sum(np.asarray(part).reshape(16, -1).sum(axis=1) for part in state)

    for _ in range(50):
        before = units(loop.state.hidden)
        result = loop.step(np.stack([task.action_space.sample() for _ in range(16)]))
        bought, asked = result.step_info["order"], result.step_info["demand"].sum(axis=1)
        np.testing.assert_array_equal(units(loop.state.hidden), before + bought - asked)


def test_every_retailer_has_its_own_demand():
    task = sb3_ecom.spec(ID).make_task(retailers=4, demand="geometric")
    demand = task.draw_step(StepLoop(task, 1).backend, 100_000)
    means = np.array(task.params.means)
    assert (np.abs(demand.mean(axis=0) - means) < 4 * np.sqrt(means * (1 + means) / len(demand))).all()
    np.testing.assert_allclose(demand.var(axis=0), means * (1 + means), rtol=0.05)


@pytest.mark.parametrize("seed", range(6))
def test_least_cost_shares_are_the_best_of_all(seed):
    params = DistributionParams(retailers=3, demand_mean=2.0)
    source = np.random.default_rng(seed)
    position, stock = source.integers(-3, 8, (1, 3)).astype(float), int(source.integers(0, 9))
    costs = position_costs(params)

    def cost(given):
        at = position[0] + given
        low = [params.penalty * -min(x, 0) for x in at]  # below zero the cost falls by the penalty per unit
        shelf = [table[int(max(x, 0))] for table, x in zip(costs, at, strict=True)]
        return sum(low) + sum(shelf) - params.warehouse_holding * sum(given)

    ways = [way for way in itertools.product(range(stock + 1), repeat=3) if sum(way) <= stock]
    ours = fill(marginal_levels(params), position, np.array([stock]))[0]
    assert ours.sum() <= stock
    # A position below zero gains the same by every unit; which of two such retailers gets it is open.
    assert cost(ours) == pytest.approx(min(map(cost, ways)), abs=1e-9)


def test_equal_shortage_makes_the_largest_shortage_smallest():
    levels = np.array([10, 12, 5])
    position = np.array([[3.0, 11.0, 5.0], [0.0, 0.0, 0.0], [9.0, 20.0, 4.0]])
    given = fill(equal_shortage_levels(levels), position, np.array([5.0, 13.0, 50.0]))
    np.testing.assert_array_equal(given[0], [5, 0, 0])
    np.testing.assert_array_equal(given.sum(axis=1), [5, 13, 2])
    short = levels - (position + given)[1]
    assert np.ptp(short[given[1] > 0]) <= 1
    np.testing.assert_array_equal(given[2], [1, 0, 1])


@pytest.mark.parametrize("cell", [cell for cell in truth.BACKLOG_BASE_STOCK if cell[1] >= 2])
def test_one_retailer_behind_a_free_warehouse_is_the_textbook_item(cell):
    # A warehouse that costs as much as the shelf never keeps stock: one item, the lead times added.
    penalty, lead_time = cell
    params = DistributionParams(
        retailers=1,
        penalty=penalty,
        warehouse_lead_time=lead_time - 1,
        retailer_lead_time=1,
        warehouse_holding=1.0,
    )
    assert relaxed_cost(params) == pytest.approx(truth.BACKLOG_BASE_STOCK[cell], abs=1e-5)


def test_relaxed_cost_of_one_retailer_lies_between_its_parts():
    params = DistributionParams(retailers=1, warehouse_lead_time=2, retailer_lead_time=2)
    item = SingleItemParams(penalty=9.0, lead_time=2, unmet="backlog")
    longer = SingleItemParams(penalty=9.0, lead_time=4, unmet="backlog")
    assert best_reorder_levels(item)[2] < relaxed_cost(params)[1] < best_reorder_levels(longer)[2]


def test_bound_of_lost_sales_is_the_sum_of_the_retailers_optima():
    params = DistributionParams(retailers=2, demand_spread=0.0, unmet="lost", retailer_lead_time=1)
    item = SingleItemParams(penalty=9.0, lead_time=1)
    assert ample_cost(params) == pytest.approx(2 * solve_lost_sales(item).cost)
    assert truth.LOST_SALES[9, 1][0] == pytest.approx(ample_cost(params) / 2, abs=2e-5)


def test_sharing_by_cost_costs_hardly_more_than_the_bound():
    params = DistributionParams()
    level, bound = relaxed_cost(params)
    costs = simulated_costs(params, RULES["least_cost"], level, 0, copies=4096, seed=3)
    stderr = costs.std() / 64
    assert bound - 3 * stderr < costs.mean() < 1.01 * bound + 3 * stderr


@pytest.mark.parametrize(
    ("retailers", "unmet"),
    [
        (3, "lost"),
        pytest.param(10, "backlog", marks=pytest.mark.slow),
        pytest.param(30, "backlog", marks=pytest.mark.slow),
    ],
)
def test_ladder_of_larger_systems_and_of_lost_sales(retailers, unmet):
    kwargs = {"retailers": retailers, "unmet": unmet}
    bound = sb3_ecom.spec(ID).oracle(**kwargs)
    task = sb3_ecom.spec(ID).make_task(**kwargs)
    costs = {}
    for name in ("proportional", "min_shortage", "least_cost"):
        level, safety, _ = best_levels(task.params, name)
        costs[name] = simulated_costs(task.params, RULES[name], level, safety, copies=512, seed=9)
    for name, cost in costs.items():
        assert -bound.value < cost.mean() + 3 * cost.std() / np.sqrt(512), name
    gain = costs["proportional"] - costs["least_cost"]
    assert gain.mean() > 3 * gain.std() / np.sqrt(512)


def test_action_and_observation_round_trip_in_whole_units():
    task = sb3_ecom.spec(ID).make_task(retailers=4, retailer_lead_time=3)
    loop = StepLoop(task, 16)
    observation = loop.reset(0)
    seen = task.to_state(observation)
    for ours, real in zip(seen, loop.state.hidden, strict=True):
        np.testing.assert_array_equal(ours, real)
    source = np.random.default_rng(0)
    order = source.integers(0, 5, 16)
    result = loop.step(task.to_action(Orders(order, np.zeros((16, 4)))))
    np.testing.assert_array_equal(result.step_info["order"], order)
    assert not result.step_info["shipped"].any()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"retailers": 0}, r"retailers must be a whole number in \[1, 100\] retailers, got 0"),
        ({"demand_spread": 1.0}, r"demand_spread must be in \[0, 1\), got 1\.0"),
        (
            {"warehouse_lead_time": 0},
            r"warehouse_lead_time must be a whole number in \[1, 20\] periods, got 0",
        ),
        ({"penalty": -1.0}, r"penalty must be in \[1e-06, 1000000\] cost/unit, got -1.0"),
        ({"unmet": "later"}, "unmet must be one of backlog, lost, got 'later'"),
    ],
)
def test_invalid_params_name_parameter_bound_and_value(kwargs, message):
    with pytest.raises(ValueError, match=message):
        DistributionParams(**kwargs)
