from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import norm

import sb3_ecom
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.inventory.serial.clark_scarf import newsvendor_levels, optimal_levels
from sb3_ecom.envs.inventory.serial.dynamics import State, step
from sb3_ecom.envs.inventory.serial.params import SerialParams
from tests.envs.inventory import truth

rows = pytest.mark.parametrize("row", truth.SERIAL)


def kwargs_of(row):
    return {"echelon_holding": row[0], "lead_times": row[1], "penalty": row[2]}


@rows
def test_optimal_echelon_base_stock(row):
    levels, cost = optimal_levels(SerialParams(**kwargs_of(row)))
    assert levels == truth.SERIAL[row][0]
    assert cost == pytest.approx(truth.SERIAL[row][1], abs=1e-5)


@dataclass(frozen=True, kw_only=True)
class NormalParams(SerialParams):
    """Demand N(5, 1) of Snyder and Shen's example 6.1, in units of 1/20."""

    demand_mean: float = 100.0
    echelon_holding: tuple[float, ...] = (0.15, 0.1, 0.1)
    penalty: float = 37.12 / 20

    def pmf(self, periods=1):
        values = np.arange(200 * periods + 1)
        return np.diff(norm(100 * periods, 20 * periods**0.5).cdf(np.append(values, values[-1] + 1) - 0.5))


def test_published_example_with_normal_demand():
    levels, cost = optimal_levels(NormalParams())
    np.testing.assert_allclose(np.array(levels) / 20, (6.49, 12.02, 22.71), atol=0.1)
    assert cost == pytest.approx(47.65, abs=0.03)  # stockpyl prints 47.665, the book 47.65


@rows
def test_simulated_average_of_the_optimal_policy_is_the_computed_one(row):
    entry = sb3_ecom.spec("EcomSerial-v0")
    oracle = entry.oracle(**kwargs_of(row))
    policy = oracle.policy(StepLoop(entry.make_task(**kwargs_of(row)), 1))
    result = sb3_ecom.evaluate("EcomSerial-v0", policy, episodes=512, **kwargs_of(row))
    assert abs(result.mean - oracle.value) < 3 * result.stderr


@rows
def test_newsvendor_levels_lie_within_a_unit_of_the_optimal_ones(row):
    params = SerialParams(**kwargs_of(row))
    np.testing.assert_allclose(newsvendor_levels(params), optimal_levels(params)[0], atol=1)


def test_upper_stage_ships_what_it_has_and_owes_the_rest():
    params = SerialParams(echelon_holding=(1, 1), lead_times=(1, 2), penalty=19.0)
    zero = np.zeros(1, np.float32)
    state = State(np.array([[2.0, 3.0]], np.float32), zero, zero[:, None], np.array([[4.0]], np.float32))
    orders = np.array([[5.0, 6.0]], np.float32)
    state, outcome = step(state, orders, zero + 7, params)
    np.testing.assert_array_equal(
        state.on_hand, [[0, 4]]
    )  # 2 + 3 shipped - 7 sold; 3 - 3 shipped + 4 arrived
    np.testing.assert_array_equal(state.owed, [[2]])
    np.testing.assert_array_equal(state.transit, [[6]])
    assert (state.backlog, outcome.backlog) == (2, 2)


def test_action_and_observation_round_trip_in_whole_units():
    task = sb3_ecom.spec("EcomSerial-v0").make_task()
    loop = StepLoop(task, 16)
    observation = loop.reset(0)
    np.testing.assert_array_equal(task.to_state(observation).on_hand, loop.state.hidden.on_hand)
    orders = np.random.default_rng(0).integers(0, task.params.order_limit + 1, (16, 3))
    result = loop.step(task.to_action(orders))
    assert (result.step_info["orders"] <= orders).all()
    assert (result.step_info["orders"] == orders).mean() > 0.5


def test_invalid_params_name_parameter_bound_and_value():
    with pytest.raises(
        ValueError, match=r"echelon_holding must hold one cost per stage \(3 lead_times\), got 2"
    ):
        SerialParams(echelon_holding=(1.0, 1.0))
    with pytest.raises(ValueError, match=r"penalty must be in \[1e-06, "):
        SerialParams(penalty=-1.0)
