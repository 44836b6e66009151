"""What a page is worth before chance decides, as a reward to train on, by a critic that learns beside."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3.common.vec_env import DummyVecEnv

import sb3_ecom
from sb3_ecom.core.arrays import tree_take
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.session.ranker import CONSTANT_WEIGHTS
from sb3_ecom.sb3 import VecExpectedAdvantage, make_vec_env
from sb3_ecom.sb3.vec_wrappers.privileged_critic import PrivilegedCritic

COPIES = 100_000
TUNED = np.float32(CONSTANT_WEIGHTS)


def gains_of(copies: int, **options):
    return VecExpectedAdvantage(make_vec_env("EcomRec-v0", copies, seed=1), **options)


def sessions(venv, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return clicks and summed gains of the sessions that end within `steps` pages of the tuned ranker."""
    venv.reset()
    action = np.broadcast_to(TUNED, (venv.num_envs, 14))
    running, clicks, gains = np.zeros(venv.num_envs), [], []
    for _ in range(steps):
        _, gain, done, infos = venv.step(action)
        running += gain
        ended = np.flatnonzero(done)
        gains += running[ended].tolist()
        clicks += [infos[row]["episode"]["r"] for row in ended]
        running[ended] = 0
    return np.array(clicks), np.array(gains)


def test_gain_is_the_mean_of_what_chance_makes_of_a_page() -> None:
    task = sb3_ecom.spec("EcomRec-v0").make_task()
    gain = PrivilegedCritic(task.transition_model(), 0.97, epochs=0)
    walk, loop = StepLoop(task, 4), StepLoop(task, COPIES)
    walk.reset(3)
    loop.reset(0)
    for _ in range(3):
        walk.step(np.zeros((4, 14), dtype=np.float32))
    for row in range(4):
        many = tree_take(walk.state, np.full(COPIES, row))
        snapshot = gain.snapshot(many)
        slate = np.broadcast_to(np.array([3 + row, 40, 41, 90, -1]), (COPIES, 5))
        after, outcome = task.step(many, slate, task.draw_step(loop.backend, COPIES))
        later = gain.value(gain.snapshot(after)) * ~outcome.left
        found = task.reward(task.terms(outcome)) + 0.97 * later - gain.value(snapshot)
        expected = gain(snapshot, {"slate": outcome.slate})
        assert np.ptp(expected) < 1e-5
        assert abs(found.mean() - expected[0]) < 3 * found.std() / np.sqrt(COPIES)


def test_gains_of_a_session_are_its_return_without_the_luck() -> None:
    """Whatever V is: clicks less V of the landing less the advantages is luck alone."""
    venv = gains_of(4096, discount=1.0, epochs=0)
    venv.reset()
    task = venv.venv.task
    gain = PrivilegedCritic(task.transition_model(), 1.0, epochs=0)  # the same first weights
    landing = gain.value(gain.snapshot(venv.venv.loop.state))
    clicks, gains, running = np.zeros((3, 4096))
    first = np.ones(4096, dtype=bool)  # the first session of each copy still runs
    while first.any():
        _, reward, done, infos = venv.step(np.broadcast_to(TUNED, (4096, 14)))
        running += reward
        for row in np.flatnonzero(done & first):
            gains[row], clicks[row] = running[row], infos[row]["episode"]["r"]
        first &= ~done
    luck = clicks - landing - gains
    assert abs(luck.mean()) < 3 * luck.std() / np.sqrt(4096)
    assert np.mean(clicks) > 4


def test_the_critic_learns_what_visits_are_worth() -> None:
    """Its gains vary 20 times less than clicks do, and it knows what landings bring: 4 clicks on average."""
    venv = gains_of(512, discount=1.0)
    sessions(venv, 320)
    clicks, gains = sessions(venv, 60)
    assert np.var(gains) < np.var(clicks) / 20
    critic = venv._critic
    loop = StepLoop(venv.venv.task, 4096)
    loop.reset(2)
    landing = critic.value(critic.snapshot(loop.state))
    returns = sb3_ecom.evaluate(
        "EcomRec-v0", lambda seen: np.broadcast_to(TUNED, (len(seen), 14)), episodes=4096, seed=2
    )
    assert abs(landing.mean() - returns.mean) < 0.25 + 3 * returns.stderr
    assert landing.std() > 0.3


def test_a_critic_that_stands_ranks_policies_as_the_reward_does() -> None:
    rng, found = np.random.default_rng(0), []
    for scale, base in ((1.0, np.zeros(14)), (0.0, np.zeros(14)), (0.0, TUNED)):
        venv = gains_of(512, discount=0.99, epochs=0)
        venv.reset()
        total = 0.0
        for _ in range(60):
            action = np.clip(base + scale * rng.uniform(-1, 1, (512, 14)), -1, 1).astype(np.float32)
            total += venv.step(action)[1].sum()
        found.append(total)
    assert found[0] < found[1] < found[2]


def test_single_environments_are_paid_the_same() -> None:
    """A batch of one and a DummyVecEnv of one meet the same visitors; the pay is the batch's."""
    batch = gains_of(1, discount=0.9, every=8)
    single = VecExpectedAdvantage(DummyVecEnv([lambda: gymnasium.make("EcomRec-v0")]), discount=0.9, every=8)
    batch.seed(5)
    single.seed(5)
    assert np.array_equal(batch.reset(), single.reset())
    action, ended = np.zeros((1, 14), dtype=np.float32), 0
    for _ in range(60):
        left, right = batch.step(action), single.step(action)
        np.testing.assert_allclose(left[1], right[1], rtol=1e-6)
        ended += int(left[2][0])
    assert ended > 2


def test_the_critic_leaves_the_learners_random_numbers_alone() -> None:
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    venv = gains_of(4, discount=1.0, every=2)
    sessions(venv, 6)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"discount": 1.5}, r"discount must be in \[0, 1\], got 1.5"),
        ({"hidden": 0}, "hidden must be >= 1, got 0"),
        ({"epochs": -1}, "epochs must be >= 0, got -1"),
        ({"every": 0}, "every must be >= 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be > 0, got 0.0"),
    ],
)
def test_bounds(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gains_of(2, **options)


def test_expected_advantage_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="EcomVecEnv"):
        VecExpectedAdvantage(DummyVecEnv([lambda: gymnasium.make("CartPole-v1")]))
    with pytest.raises(ValueError, match="knows no expected advantage"):
        VecExpectedAdvantage(make_vec_env("EcomLostSales-v0", 2))
    with pytest.raises(ValueError, match="knows the value of its states, got hidden"):
        VecExpectedAdvantage(make_vec_env("EcomRecCold-v0", 2), hidden=3)
