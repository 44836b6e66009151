"""What a page of documents is worth before chance decides: against simulation."""

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.arrays import tree_take
from sb3_ecom.core.loop import StepLoop

COPIES, ID = 60_000, "EcomRecEvolution-v0"


@pytest.mark.parametrize(
    "options", [{}, {"repeats": True, "reward_weights": {"watched": 1.0, "clicks": 2.0}, "drift": 0.9}]
)
def test_expected_gain_is_the_mean_of_what_chance_makes_of_a_page(options):
    task = sb3_ecom.spec(ID).make_task(**options)
    gain = task.expected_advantage(0.97)
    walk = StepLoop(task, 8)
    walk.reset(3)
    slates = np.random.default_rng(1).integers(0, 10, (8, 3))
    for _ in range(3):  # viewers whose interests have moved
        walk.step(slates)
    loop = StepLoop(task, COPIES)
    loop.reset(0)
    # Most of the budget left, too little for a document, and too little for a page without a click.
    for row, budget in enumerate((150.0, 4.5, 3.0, 0.3)):
        walk.state.hidden.budget[row] = budget
        many = tree_take(walk.state, np.full(COPIES, row))
        slate = np.broadcast_to(slates[row], (COPIES, 3))
        after, outcome = task.step(many, slate, task.draw_step(loop.backend, COPIES))
        reward = task.reward(task.terms(outcome))
        found = reward + 0.97 * gain.value(after) - gain.value(many)
        expected = gain(gain.snapshot(many), task.step_info(outcome))
        assert np.ptp(expected) < 1e-4
        assert abs(found.mean() - expected[0]) < 3 * found.std() / np.sqrt(COPIES) + 1e-4


@pytest.fixture(scope="module")
def gain():
    return sb3_ecom.spec(ID).make_task().expected_advantage(1.0)


@pytest.mark.parametrize("name", ["myopic", "highest_quality"])
def test_gains_of_a_session_are_its_return_without_the_luck(gain, name):
    """Whatever the policy and however wrong V: return less V of the start, in expectation."""
    loop = StepLoop(sb3_ecom.spec(ID).make_task(), 512)
    policy = sb3_ecom.spec(ID).baselines[name](loop.task)
    seen, alive = loop.reset(1), np.ones(512, dtype=bool)
    start = gain.value(loop.state)
    gains, returns = np.zeros(512), np.zeros(512)
    while alive.any():
        snapshot = gain.snapshot(loop.state)
        result = loop.step(policy(seen))
        seen = result.observation
        gains += alive * gain(snapshot, result.step_info)
        returns += alive * result.reward
        alive[result.rows] = False
    luck = returns - start - gains
    assert abs(luck.mean()) < 3.5 * luck.std() / np.sqrt(512)
    assert luck.std() > 5


def test_a_page_of_good_topics_gains_more_than_the_page_clicked_most(gain):
    loop = StepLoop(sb3_ecom.spec(ID).make_task(), 2048)
    seen = loop.reset(4)
    pages = {name: sb3_ecom.spec(ID).baselines[name](loop.task)(seen) for name in ("myopic", "lambda_greedy")}
    found = {}
    for name, slate in pages.items():
        report = {"slate": slate, "topics": np.take_along_axis(loop.state.hidden.topic, slate, axis=1)}
        found[name] = gain(loop.state, report).mean()
    assert found["lambda_greedy"] > found["myopic"] + 0.3
