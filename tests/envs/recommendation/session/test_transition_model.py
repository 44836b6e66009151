"""What may come of a page: against simulation."""

from __future__ import annotations

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend, tree_take
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.envs.recommendation.session.rewards import REWARDS, RewardTerm
from tests.envs.recommendation.small_shop import small_params

COPIES = 100_000
WEIGHTS = {"clicks": 1.0, "purchases": 3.0, "margin": 0.2, "returns": 0.5}
TASKS = {
    "clicks": ("EcomRec-v0", {}),
    "profit": ("EcomRec-v0", {"reward_weights": WEIGHTS, "patience_sd": 0.5}),
    "large": ("EcomRecLarge-v0", {"catalogue_size": 1000}),
    "last page": ("EcomRec-v0", {"horizon": 4}),
}


@pytest.fixture(scope="module", params=TASKS.values(), ids=TASKS.keys())
def task(request: pytest.FixtureRequest) -> SessionTask:
    name, options = request.param
    return sb3_ecom.spec(name).make_task(**options)


def walked(task: SessionTask) -> StepLoop:
    """Return eight visitors who have clicked, and are tired of a category."""
    walk = StepLoop(task, 8)
    walk.reset(3)
    for _ in range(3):
        walk.step(np.zeros((8, *task.action_space.shape), dtype=np.float32))
    return walk


def test_prospects_are_what_chance_makes_of_a_page(task: SessionTask) -> None:
    transition_model, walk, loop = task.transition_model(), walked(task), StepLoop(task, COPIES)
    loop.reset(0)
    for row in range(4):
        many = tree_take(walk.state, np.full(COPIES, row))
        snapshot = transition_model.snapshot(many)
        slate = np.broadcast_to(np.array([3 + row, 40, 41, 90, -1]), (COPIES, 5))
        noise = task.draw_step(loop.backend, COPIES)
        after, outcome = task.step(many, slate, noise)
        reward = task.reward(task.terms(outcome))
        ended = outcome.left | (after.hidden.page >= task.horizon)
        may = transition_model.outcomes(
            transition_model.snapshot(tree_take(many, [0])), {"slate": outcome.slate[:1]}
        )
        assert np.isclose(may.probabilities.sum(), 1)
        assert (
            transition_model.features(snapshot).shape[1]
            == transition_model.size
            == may.next_features.shape[2]
        )
        for case in range(6):  # five slots, and no click
            happened = outcome.slot == case
            chance = may.probabilities[0, case]
            assert abs(happened.mean() - chance) <= 3.5 * np.sqrt(chance * (1 - chance) / COPIES)
            if happened.sum() < 500:
                continue
            agrees_on_average(reward[happened], may.rewards[0, case])
            agrees_on_average(~ended[happened], may.continue_prob[0, case])
            follows = transition_model.features(
                transition_model.snapshot(tree_take(after, np.flatnonzero(happened)[:9]))
            )
            np.testing.assert_allclose(
                follows, np.broadcast_to(may.next_features[0, case], follows.shape), atol=2e-5
            )


def agrees_on_average(found: np.ndarray, expected: float) -> None:
    error = found.std() / np.sqrt(found.size)
    assert abs(found.mean() - expected) <= 3.5 * error + 1e-6


def test_foresight_lives_on_numpy() -> None:
    from sb3_ecom.sb3.device.torch_backend import TorchBackend

    task = sb3_ecom.spec("EcomRec-v0").make_task().bind(TorchBackend("cpu").asarray)
    with pytest.raises(ValueError, match=r"transition_model needs NumPy arrays, got <class 'torch\.Tensor'>"):
        task.transition_model()


class LongPages(SessionTask):
    """A session with a made-up fifth term: every item shown costs, and every click on a dear item pays."""

    rewards = (
        *REWARDS,
        RewardTerm(
            "dear",
            lambda outcome: outcome.clicked * (outcome.bought * outcome.margin > 1.0),
            lambda case: case.buy * (case.margin > 1.0),
        ),
    )


def test_a_new_reward_term_is_paid_right_in_training():
    weights = {"clicks": 0.2, "dear": 3.0}
    task = LongPages(small_params(slate_size=4, buy_base=0.5), "slate", weights)
    model, copies = task.transition_model(), 200_000
    source = NumpyBackend(np.random.default_rng(4))
    state = tree_take(task.initial_state(task.draw_reset(source, 1)), np.zeros(copies, int))
    action = np.tile([3, 5, 8, 1], (copies, 1))
    after, outcome = task.step(state, action, task.draw_step(source, copies))
    may = model.outcomes(model.snapshot(tree_take(state, [0])), {"slate": outcome.slate[:1]})
    expected = float((may.probabilities * may.rewards).sum())
    paid = task.reward(task.terms(outcome))
    assert abs(paid.mean() - expected) < 4 * paid.std() / np.sqrt(copies)
    clicks_alone = task.reward_weights["clicks"] * (1 - may.probabilities[0, -1])
    assert expected > clicks_alone + 0.01
    assert after.hidden.page[0] == 1
