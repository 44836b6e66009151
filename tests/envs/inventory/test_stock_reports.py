"""A shop's own stock report is enough to observe and to order; hidden parts of a step never reach it."""

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.inventory.shop.env import ShopTask
from sb3_ecom.envs.inventory.shop.tracker import StockReport
from sb3_ecom.envs.inventory.single_item.dynamics import State


def row(*values):
    return np.array([values], np.float32)


def test_report_typed_by_hand_is_observed_and_decoded():
    task = sb3_ecom.spec("EcomLostSales-v0").make_task(lead_time=3)
    tracker, tables = task.tracker, task.tables.public
    tracked = tracker.open(State(row(4.0)[0], row(5.0, 6.0)), tables)
    np.testing.assert_allclose(tracker.observe(tracked, tables), row(0.4, 0.5, 0.6))
    assert tracker.decode(tracked, np.array([7]), tables) == 7
    full = tracker.open(State(row(task.params.position_limit - 13.0)[0], row(5.0, 6.0)), tables)
    assert tracker.decode(full, np.array([7]), tables) == 2


def test_books_of_a_shop_are_kept_from_its_reports():
    task = ShopTask(num_items=2)
    tracker, tables = task.tracker, task.tables.public
    pipeline = np.zeros((1, 2, task.params.max_lead_time), np.float32)
    pipeline[0, :, 2] = 3.0, 0.0
    monday, tuesday = row(0.0)[0], row(1.0)[0]
    opening = StockReport(monday, monday, row(5.0, 2.0), pipeline, None, None, None, None)
    books = tracker.open(opening, tables)
    np.testing.assert_array_equal(books.under_way, row(3.0, 0.0))
    report = StockReport(
        tuesday,
        tuesday,
        row(4.0, 0.0),
        pipeline,
        None,
        row(1.0, 2.0),
        np.array([[False, True]]),
        row(0.0, 0.0),
    )
    books = tracker.note(books, row(0.0, 9.0), report, tables)
    np.testing.assert_array_equal(books.under_way, row(3.0, 9.0))
    np.testing.assert_array_equal(books.sold, row(1.0, 2.0))
    np.testing.assert_array_equal(books.history[:, -1, 3:], row(0.0, 1.0))
    np.testing.assert_allclose(np.expm1(books.history[:, -1, 1:3]) * tables.mean, row(1.0, 2.0), rtol=1e-5)
    expected = tables.calendar[0, 0] * tables.mean
    # An emptied shelf explains no more exposure than its sales do.
    np.testing.assert_allclose(books.exposure, np.minimum(expected, [np.inf, 2.0])[None], rtol=1e-6)


def test_tracked_stock_is_the_simulator_s_through_half_a_year():
    task = ShopTask(promotions_a_year=6.0, substitution=0.4)
    loop, draw = StepLoop(task, 8), np.random.default_rng(0)
    loop.reset(3)
    for _ in range(100):
        loop.step(draw.uniform(-1, 1, (8, 20)).astype(np.float32))
    hidden, tracked = loop.state
    np.testing.assert_array_equal(tracked.on_hand, hidden.on_hand)
    np.testing.assert_array_equal(tracked.under_way, hidden.pipeline.sum(axis=2))
    np.testing.assert_array_equal(tracked.promotion_day, hidden.promotions.since)


@pytest.mark.parametrize("env_id", ["EcomDistribution-v0", "EcomSerial-v0", "EcomDualSourcing-v0"])
def test_what_is_decoded_is_what_is_placed(env_id):
    task = sb3_ecom.spec(env_id).make_task()
    state = task.initial_state(task.draw_reset(NumpyBackend(np.random.default_rng(0)), 1))
    task.action_space.seed(1)
    action = np.array([task.action_space.sample()])
    decided = task.tracker.decode(state.tracked, action, task.tables.public)
    _, outcome = task.step(state, action, task.draw_step(NumpyBackend(np.random.default_rng(0)), 1))
    parts = decided if isinstance(decided, tuple) else (decided,)
    for ours, placed in zip(parts, outcome, strict=False):
        np.testing.assert_array_equal(ours, placed)
