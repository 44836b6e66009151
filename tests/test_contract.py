"""What every registered id promises (DESIGN.md, section 5). A new domain is picked up by discovery."""

import copy
import functools
import pickle
import re
import warnings

import gymnasium as gym
import numpy as np
import pygame
import pytest
import torch
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env as check_gymnasium
from gymnasium.wrappers import HumanRendering
from stable_baselines3.common.env_checker import check_env as check_sb3
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend, tree_map
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.sb3 import make_vec_env

IDS = sorted(sb3_ecom.specs())
EPISODES = 512
FEW = 256  # episodes of each rule: some search or estimate for every visitor by himself
every_id = pytest.mark.parametrize("env_id", IDS)


@functools.cache
def task_of(env_id):
    return sb3_ecom.spec(env_id).make_task()


@functools.cache
def result_of(env_id, policy, episodes=EPISODES):
    return sb3_ecom.evaluate(env_id, policy, episodes=episodes, seed=11)


def actions_of(task, n, steps, seed=5):
    space = gym.vector.utils.batch_space(task.action_space, n)
    space.seed(seed)
    return [space.sample() for _ in range(steps)]


def to_torch(array):
    return torch.as_tensor(np.ascontiguousarray(array))


@every_id
def test_both_env_checkers_pass_without_a_warning(env_id):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_gymnasium(gym.make(env_id, render_mode="rgb_array").unwrapped)
        check_sb3(gym.make(env_id).unwrapped)


@every_id
def test_spaces_are_what_sb3_takes_and_observations_are_of_order_one(env_id):
    task = task_of(env_id)
    assert isinstance(task.observation_space, spaces.Box)
    assert task.observation_space.dtype == np.float32
    assert len(task.observation_space.shape) == 1
    if isinstance(task.action_space, spaces.Box):
        assert (task.action_space.low == -1).all()
        assert (task.action_space.high == 1).all()
    else:
        assert isinstance(task.action_space, spaces.Discrete | spaces.MultiDiscrete)
    loop = StepLoop(task, 64)
    seen = [loop.reset(0)] + [loop.step(action).observation for action in actions_of(task, 64, 60)]
    stacked = np.stack(seen)
    assert stacked.dtype == np.float32
    assert np.isfinite(stacked).all()
    assert np.abs(stacked).max() <= 20
    assert all(task.observation_space.contains(row) for row in stacked[-1])


@every_id
def test_same_seed_gives_the_same_trajectory_and_another_seed_another(env_id):
    task = task_of(env_id)

    def run(seed):
        loop = StepLoop(task, 8)
        return np.stack([loop.reset(seed)] + [loop.step(a).observation for a in actions_of(task, 8, 40)])

    np.testing.assert_array_equal(run(3), run(3))
    assert not np.array_equal(run(3), run(4))


@every_id
def test_single_env_is_a_batch_of_one(env_id):
    single, batch = (
        gym.make(env_id),
        gym.make_vec(env_id, num_envs=1, vectorization_mode="vector_entry_point"),
    )
    observation, _ = single.reset(seed=9)
    observations, _ = batch.reset(seed=9)
    np.testing.assert_array_equal(observation, observations[0])
    for action in actions_of(task_of(env_id), 1, 250):
        observation, reward, terminated, truncated, _ = single.step(action[0])
        observations, rewards, terminations, truncations, infos = batch.step(action)
        assert (reward, terminated, truncated) == (rewards[0], terminations[0], truncations[0])
        if terminated or truncated:
            np.testing.assert_array_equal(observation, infos["final_obs"][0])
            observation, _ = single.reset()
        np.testing.assert_array_equal(observation, observations[0])


@every_id
def test_copies_do_not_disturb_each_other(env_id):
    task = task_of(env_id)
    ones, others = StepLoop(task, 8), StepLoop(task, 8)
    ones.reset(1)
    others.reset(1)
    for ours, theirs in zip(actions_of(task, 8, 120), actions_of(task, 8, 120, seed=6), strict=True):
        mixed = np.concatenate([ours[:4], theirs[4:]])
        np.testing.assert_array_equal(ones.step(ours).observation[:4], others.step(mixed).observation[:4])


@every_id
def test_numpy_and_torch_agree_to_rounding(env_id):
    task = task_of(env_id)
    twin = task.bind(to_torch)
    source, n = NumpyBackend(np.random.default_rng(2)), 32
    reset_noise = task.draw_reset(source, n)
    state = task.initial_state(reset_noise)
    compare(state, twin.initial_state(tree_map(to_torch, reset_noise)))
    for action in actions_of(task, n, 15):
        noise = task.draw_step(source, n)
        twin_state, twin_outcome = twin.step(
            tree_map(to_torch, state), to_torch(action), tree_map(to_torch, noise)
        )
        state, outcome = task.step(state, action, noise)
        compare(state, twin_state)
        compare(task.observe(state), twin.observe(tree_map(to_torch, state)))
        for name, term in task.terms(outcome).items():
            compare(term, twin.terms(twin_outcome)[name])
        compare(task.terminated(outcome), twin.terminated(twin_outcome))


def compare(ours, theirs):
    def check(a, b):
        assert isinstance(b, torch.Tensor)
        np.testing.assert_allclose(np.asarray(a, dtype=np.float64), b.double().numpy(), rtol=2e-4, atol=2e-4)
        return a

    tree_map(check, ours, theirs)


@every_id
def test_step_mutates_nothing_and_returns_no_table(env_id):
    task = task_of(env_id)
    source = NumpyBackend(np.random.default_rng(2))
    state = task.initial_state(task.draw_reset(source, 16))
    noise, action = task.draw_step(source, 16), actions_of(task, 16, 1)[0]
    tables, before = copy.deepcopy(task.tables), copy.deepcopy((state, noise, action))
    after, _ = task.step(state, action, noise)
    pairs = [(before[0], state), (before[1], noise), (tables, task.tables)]
    for old, now in pairs:
        tree_map(lambda a, b: np.testing.assert_array_equal(a, b), old, now)
    np.testing.assert_array_equal(before[2], action)
    leaves = []
    tree_map(leaves.append, task.tables)
    tree_map(lambda leaf: [no_overlap(leaf, table) for table in leaves if table is not None], after)


def no_overlap(leaf, table):
    assert not np.shares_memory(leaf, table)


def leaves_of(tree):
    leaves = []
    tree_map(leaves.append, tree)
    return [leaf for leaf in leaves if leaf is not None]


def episodes_with_events(task, n=16, steps=40):
    """Play random actions; return the opening event, [(action, decision, event)] and the observations."""
    source = NumpyBackend(np.random.default_rng(3))
    hidden, opening = task.start(task.draw_reset(source, n))
    tracker, public = task.tracker, task.tables.public
    tracked = tracker.open(opening, public)
    opening = copy.deepcopy(opening)
    seen, played = [task.observe(State(hidden, tracked))], []
    for action in actions_of(task, n, min(steps, task.horizon)):
        decision = tracker.decode(tracked, action, public)
        hidden, outcome = task.simulate(hidden, decision, task.draw_step(source, n))
        event = task.public_event(hidden, outcome)
        tracked = tracker.note(tracked, decision, event, public)
        played.append(copy.deepcopy((action, decision, event)))
        seen.append(task.observe(State(hidden, tracked)))
    return opening, played, seen


@every_id
def test_a_tracker_alone_replays_the_observations_from_public_events(env_id):
    task = task_of(env_id)
    opening, played, seen = episodes_with_events(task)
    tracker, public = pickle.loads(pickle.dumps((task.tracker, task.tables.public)))
    tracked = tracker.open(opening, public)
    np.testing.assert_array_equal(tracker.observe(tracked, public), seen[0])
    for (action, decision, event), observation in zip(played, seen[1:], strict=True):
        again = tracker.decode(tracked, action, public)
        tree_map(np.testing.assert_array_equal, again, decision)
        tracked = tracker.note(tracked, again, event, public)
        np.testing.assert_array_equal(tracker.observe(tracked, public), observation)


@every_id
def test_another_hidden_state_leaves_observation_and_decision_as_they_are(env_id):
    task, n = task_of(env_id), 16
    loop = StepLoop(task, n)
    loop.reset(4)
    for action in actions_of(task, n, 12):
        loop.step(action)
    state, action = loop.state, actions_of(task, n, 1, seed=8)[0]
    other = State(tree_map(lambda leaf: np.zeros_like(leaf), state.hidden), state.tracked)
    np.testing.assert_array_equal(task.observe(state), task.observe(other))
    public = task.tables.public
    bare = copy.copy(task)
    bare.tables = TaskTables(None, public)  # the tracker needs the public tables alone
    np.testing.assert_array_equal(task.observe(state), bare.observe(other))
    ours, theirs = (
        each.tracker.decode(s.tracked, action, public) for each, s in ((task, state), (bare, other))
    )
    tree_map(np.testing.assert_array_equal, ours, theirs)


@every_id
def test_a_state_shares_no_array_with_the_outcome_that_led_to_it(env_id):
    """An autoreset writes into the state in place; what a step returned must not change with it."""
    task = task_of(env_id)
    source = NumpyBackend(np.random.default_rng(2))
    state = task.initial_state(task.draw_reset(source, 8))
    after, outcome = task.step(state, actions_of(task, 8, 1)[0], task.draw_step(source, 8))
    told = [*leaves_of(outcome), *task.terms(outcome).values(), *task.step_info(outcome).values()]
    for leaf in leaves_of(after):
        for array in told:
            no_overlap(leaf, array)


@every_id
def test_vec_env_gives_what_dummy_vec_env_gives(env_id):
    ours = make_vec_env(env_id, n_envs=1)
    reference = DummyVecEnv([lambda: Monitor(gym.make(env_id))])
    ours.seed(21)
    reference.seed(21)
    np.testing.assert_array_equal(ours.reset(), reference.reset())
    ends = 0
    for action in actions_of(task_of(env_id), 1, 250):
        observation, reward, done, infos = ours.step(action)
        expected, expected_reward, expected_done, expected_infos = reference.step(action)
        np.testing.assert_array_equal(observation, expected)
        np.testing.assert_array_equal(reward, expected_reward)
        np.testing.assert_array_equal(done, expected_done)
        assert reward.dtype == np.float32
        assert reward.flags.writeable
        if done[0]:
            ends += 1
            mine, theirs = infos[0], expected_infos[0]
            np.testing.assert_array_equal(mine["terminal_observation"], theirs["terminal_observation"])
            assert mine["TimeLimit.truncated"] == theirs["TimeLimit.truncated"]
            assert mine["episode"]["l"] == theirs["episode"]["l"]
            assert mine["episode"]["r"] == pytest.approx(theirs["episode"]["r"], rel=1e-6, abs=1e-4)
    assert ends > 0


@every_id
def test_named_reward_terms_sum_to_the_reward(env_id):
    task = task_of(env_id)
    loop = StepLoop(task, 64)
    loop.reset(0)
    for action in actions_of(task, 64, 40):
        result = loop.step(action)
        total = sum(weight * result.terms[name] for name, weight in task.reward_weights.items())
        np.testing.assert_allclose(result.reward, total, rtol=1e-5, atol=1e-5)
        assert result.reward.dtype == np.float32


@every_id
def test_bad_actions_are_named_with_bound_and_value(env_id):
    env = gym.make(env_id).unwrapped
    env.reset(seed=0)
    with pytest.raises(ValueError, match="shape"):
        env.step(np.zeros((3, 3, 3)))
    space = env.action_space
    if isinstance(space, spaces.Box):
        for bad in (np.nan, 1.5, -np.inf):
            with pytest.raises(ValueError, match=r"action.*\[-1.0, 1.0\]"):
                env.step(np.full(space.shape, bad, dtype=np.float32))
    else:
        for bad in (-1, 10**9):
            with pytest.raises(ValueError, match=rf"action.*got {bad}"):
                env.step(np.full(space.shape, bad))


@every_id
def test_unknown_render_mode_and_negative_seed_are_refused(env_id):
    with pytest.raises(ValueError, match="render_mode"):
        sb3_ecom.core.registry.make_env(env_id, render_mode="telepathy")
    with pytest.raises(ValueError, match="seed"):
        sb3_ecom.core.registry.make_env(env_id).reset(seed=-1)


@every_id
def test_pictures_windows_and_texts(env_id, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gym.make(env_id, render_mode="rgb_array")
    env.reset(seed=0)
    env.step(env.action_space.sample())
    picture = env.render()
    assert picture.shape == (480, 640, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 5
    window = HumanRendering(env)  # what gymnasium puts over the pictures for render_mode="human"
    window._render_frame()
    shown = pygame.surfarray.array3d(window.window)
    window.close()
    np.testing.assert_array_equal(shown.transpose(1, 0, 2), picture)
    text = gym.make(env_id, render_mode="ansi")
    text.reset(seed=0)
    assert len(text.render().splitlines()) >= 3


@every_id
def test_env_pickles_for_subprocesses(env_id):
    env = gym.make(env_id)
    env.reset(seed=0)
    twin = pickle.loads(pickle.dumps(env.unwrapped))
    action = actions_of(task_of(env_id), 1, 1)[0][0]
    np.testing.assert_array_equal(env.unwrapped.step(action)[0], twin.step(action)[0])


@every_id
def test_metrics_are_computed_from_named_counters(env_id):
    task = task_of(env_id)
    assert task.metrics
    metrics = result_of(env_id, "random").metrics
    assert set(metrics) == {metric.name for metric in task.metrics}


@every_id
def test_docstring_holds_the_sections_a_user_looks_for(env_id):
    text = type(task_of(env_id)).__doc__
    for section in ("Observation", "Action", "Reward", "Episode", "Source", "Versions"):
        assert section in text, f"{env_id}: section {section} is missing"


@every_id
def test_oracle_is_above_every_baseline_and_baselines_above_random(env_id):
    entry = sb3_ecom.spec(env_id)
    oracle = entry.oracle()
    random = result_of(env_id, "random")
    for name in entry.baselines:
        result = result_of(env_id, name, FEW)
        slack = 3 * np.hypot(result.stderr, oracle.stderr)
        assert result.mean <= oracle.value + slack, f"{env_id}: {name} beats the oracle"
        assert result.mean >= random.mean - 3 * np.hypot(result.stderr, random.stderr), f"{env_id}: {name}"


@every_id
def test_recorded_random_and_best_known_returns_are_what_the_command_gives(env_id):
    entry = sb3_ecom.spec(env_id)
    random = result_of(env_id, "random")
    assert abs(random.mean - entry.random.value) <= 4 * np.hypot(random.stderr, entry.random.stderr)
    assert entry.best_known.value > entry.random.value
    named = re.search(r"evaluate \S+ --baseline (\w+) ", entry.best_known.command)
    if named:  # elsewhere an exact oracle stands behind it, which has a test of its own
        best = result_of(env_id, named.group(1))
        assert abs(best.mean - entry.best_known.value) <= 4 * np.hypot(best.stderr, entry.best_known.stderr)


@pytest.mark.parametrize("env_id", [env_id for env_id in IDS if "Toy" not in env_id])
def test_a_constant_action_scores_below_a_half_or_the_id_says_what_it_teaches(env_id):
    entry = sb3_ecom.spec(env_id)
    task = entry.make_task(**entry.constant_kwargs)
    action = np.asarray(entry.best_constant, task.action_space.dtype)
    assert task.action_space.contains(action if action.shape else task.action_space.dtype.type(action))
    result = sb3_ecom.evaluate(
        env_id,
        lambda observation: np.broadcast_to(action, (len(observation), *action.shape)),
        episodes=EPISODES,
        **entry.constant_kwargs,
    )
    # A bid or a quantity is another action, not another task: the scale is that of the defaults.
    score = entry.score(result.mean)
    assert score > entry.score(result_of(env_id, "random").mean) - 0.3, "worse than chance: no search"
    if entry.teaches:
        assert score >= 0.5, "a constant does not do: the id need not excuse itself"
    else:
        assert score < 0.5, "a constant does: say in Spec.teaches what the id is good for"
