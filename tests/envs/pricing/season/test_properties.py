"""Whatever the season and the policy: money adds up, stock is never negative, prices keep to their bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.pricing.season.env import SeasonTask


@st.composite
def seasons(draw):
    products = draw(st.integers(1, 4))

    def each(values):
        return tuple(draw(st.lists(values, min_size=products, max_size=products)))

    floor = draw(st.floats(0.05, 1.0))
    return SeasonTask(
        price=each(st.floats(0.01, 1000.0)),
        appeal=each(st.floats(-5.0, 3.0)),
        stock=each(st.integers(1, 60)),
        periods=draw(st.integers(2, 8)),
        visitors=draw(st.floats(0.1, 300.0)),
        level_sd=draw(st.floats(0.0, 2.0)),
        sensitivity=draw(st.floats(0.1, 5.0)),
        sensitivity_drift=draw(st.floats(0.0, 0.1)),
        floor=floor,
        cap=draw(st.floats(max(1.0, floor * 1.01), 10.0)),
        salvage=draw(st.floats(0.0, floor)),
        waiting=draw(st.sampled_from((0.0, 0.3, 1.0))),
        action=draw(st.sampled_from(("factors", "grid"))),
    )


@pytest.mark.filterwarnings("error")  # nothing overflows
@settings(max_examples=60, deadline=None)
@given(task=seasons(), seed=st.integers(0, 1000))
def test_money_is_conserved_stock_never_negative_and_bounds_never_passed(task, seed):
    n, params = 16, task.params
    loop, source = StepLoop(task, n), np.random.default_rng(seed)
    loop.reset(seed)
    stock = np.tile(np.float32(params.stock), (n, 1))
    floor, cap = np.float32(params.floor), np.float32(params.cap)
    running = np.ones(n, dtype=bool)
    for _ in range(task.horizon):
        if hasattr(task.action_space, "n"):
            action = source.integers(task.action_space.n, size=n)
        else:  # the door lets through what rounding adds to a bound
            action = source.choice([-1.000001, -1.0, 0.3, 1.0, 1.000001], (n, params.products))
            action = action.astype(np.float32)
        decision = task.tracker.decode(loop.state.tracked, action, task.tables.public)
        assert ((decision >= floor) & (decision <= cap)).all()
        result = loop.step(action)
        price, sales, left = (result.step_info[key] for key in ("price", "sales", "stock"))
        assert (sales >= 0).all()
        assert (left >= 0).all()
        np.testing.assert_array_equal((stock - sales)[running], left[running])
        np.testing.assert_allclose(result.terms["revenue"], (price * sales).sum(1), rtol=1e-4, atol=1e-3)
        over = (running & (result.terminated | result.truncated)).nonzero()[0]
        worth = (left * np.float32(params.price)).sum(1) * params.salvage
        kept = result.truncated & running
        np.testing.assert_allclose(result.terms["salvage"][kept], worth[kept], rtol=1e-4, atol=1e-3)
        assert np.isfinite(result.observation).all()
        running[over] = False
        stock = left
    assert not running.any()


@settings(max_examples=40, deadline=None)
@given(task=seasons(), wanted=st.floats(1e-6, 1e6))
def test_a_rule_can_ask_for_any_price_and_gets_one_within_the_bounds(task, wanted):
    loop = StepLoop(task, 4)
    loop.reset(0)
    action = task.to_action(np.full((4, task.params.products), wanted, np.float32))
    assert all(task.action_space.contains(each) for each in action)
    decision = task.tracker.decode(loop.state.tracked, action, task.tables.public)
    assert (decision >= np.float32(task.params.floor)).all()
    assert (decision <= np.float32(task.params.cap)).all()
