"""What a page is worth before chance decides: against simulation, and as a reward to train on."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.arrays import take_rows
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.env import SessionTask

COPIES = 100_000
WEIGHTS = {"clicks": 1.0, "purchases": 3.0, "margin": 0.2, "returns": 0.5}


TASKS = {
    "clicks": ("EcomRec-v0", {}),
    "profit": ("EcomRec-v0", {"reward_weights": WEIGHTS}),
    "large": ("EcomRecLarge-v0", {"catalogue_size": 1000}),
}


@pytest.fixture(scope="module", params=TASKS.values(), ids=TASKS.keys())
def task(request: pytest.FixtureRequest) -> SessionTask:
    name, options = request.param
    return sb3_ecom.spec(name).make_task(**options)


def test_expected_gain_is_the_mean_of_what_chance_makes_of_a_page(task: SessionTask) -> None:
    gain = task.expected_gain(0.97)
    walk = StepLoop(task, 8)
    walk.reset(3)
    for _ in range(3):  # visitors who have clicked, and are tired of a category
        walk.step(np.zeros((8, *task.action_space.shape), dtype=np.float32))
    loop = StepLoop(task, COPIES)
    loop.reset(0)
    for row in range(4):
        many = take_rows(walk.state, np.full(COPIES, row))
        visit = gain.before(many)
        slate = np.broadcast_to(np.array([3 + row, 40, 41, 90, -1]), (COPIES, 5))
        noise = task.draw_step(loop.backend, COPIES)
        after, outcome = task.step(many, slate, noise)
        reward = task.reward(task.terms(outcome))
        found = reward + 0.97 * ~outcome.left * gain.value(after.visit) - gain.value(visit)
        expected = gain(visit, {"slate": outcome.slate})
        assert np.ptp(expected) == 0
        assert abs(found.mean() - expected[0]) < 3 * found.std() / np.sqrt(COPIES)


def test_gains_of_a_session_are_its_return_without_the_luck() -> None:
    venv = gain_vec_env(4096, discount=1.0)
    venv.reset()
    task = venv.venv.task
    landing = task.expected_gain(1.0).value(venv.venv.loop.state.visit)
    action = np.broadcast_to(task.steady_action(), (4096, 14))
    clicks, gains, running = np.zeros((3, 4096))
    first = np.ones(4096, dtype=bool)  # the first session of each copy still runs
    while first.any():
        _, reward, done, infos = venv.step(action)
        running += reward
        for row in np.flatnonzero(done & first):
            gains[row], clicks[row] = running[row], infos[row]["episode"]["r"]
        first &= ~done
    luck = clicks - landing - gains
    assert abs(luck.mean()) < 3 * luck.std() / np.sqrt(4096)
    assert np.mean(clicks) > 4
    assert np.var(gains) < np.var(clicks) / 8


def gain_vec_env(copies: int, discount: float):
    from sb3_ecom.sb3 import VecExpectedGain, make_vec_env

    return VecExpectedGain(make_vec_env("EcomRec-v0", copies, seed=1), discount=discount)


def test_a_better_page_gains_more() -> None:
    """The gain ranks policies as the reward does: tuned constants above zero above random weights."""
    from sb3_ecom.envs.recommendation.shop import CONSTANT_WEIGHTS

    rng, found = np.random.default_rng(0), []
    for scale, base in ((1.0, np.zeros(14)), (0.0, np.zeros(14)), (0.0, np.array(CONSTANT_WEIGHTS))):
        venv = gain_vec_env(512, discount=0.99)
        venv.reset()
        total = 0.0
        for _ in range(60):
            action = np.clip(base + scale * rng.uniform(-1, 1, (512, 14)), -1, 1).astype(np.float32)
            total += venv.step(action)[1].sum()
        found.append(total)
    assert found[0] < found[1] < found[2]


def test_single_environments_are_paid_the_same() -> None:
    """A batch of one and a DummyVecEnv of one meet the same visitors; the pay is the batch's."""
    from stable_baselines3.common.vec_env import DummyVecEnv

    from sb3_ecom.sb3 import VecExpectedGain

    batch = gain_vec_env(1, discount=0.9)
    single = VecExpectedGain(DummyVecEnv([lambda: gymnasium.make("EcomRec-v0")]), discount=0.9)
    batch.seed(5)
    single.seed(5)
    assert np.array_equal(batch.reset(), single.reset())
    action, ended = np.zeros((1, 14), dtype=np.float32), 0
    for _ in range(60):
        left, right = batch.step(action), single.step(action)
        np.testing.assert_allclose(left[1], right[1], rtol=1e-6)
        ended += int(left[2][0])
    assert ended > 2


def test_expected_gain_says_what_it_needs() -> None:
    from stable_baselines3.common.vec_env import DummyVecEnv

    from sb3_ecom.sb3 import VecExpectedGain, make_vec_env

    with pytest.raises(ValueError, match="EcomVecEnv"):
        VecExpectedGain(DummyVecEnv([lambda: gymnasium.make("CartPole-v1")]))
    with pytest.raises(ValueError, match="expected gain"):
        VecExpectedGain(make_vec_env("EcomLostSales-v0", 2))
    with pytest.raises(ValueError, match=r"discount must be in \[0, 1\], got 1.5"):
        VecExpectedGain(make_vec_env("EcomRec-v0", 2), discount=1.5)
