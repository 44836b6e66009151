"""RecSim's interest evolution: a page by hand, the published returns, and a twin solved exactly."""

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.evaluate import run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.evolution import baselines, oracle
from sb3_ecom.envs.recommendation.evolution.dynamics import Documents, StepNoise, without_repeats
from sb3_ecom.envs.recommendation.evolution.env import EvolutionTask

ID = "EcomRecEvolution-v0"
#: Mean and standard error measured on the published code, one core (facts/recommendation.md).
PUBLISHED = {
    "random": (160.48, 0.19),
    "myopic": (167.7, 0.5),
    "highest_quality": (265.5, 0.8),
    "lambda_greedy": (280.0, 1.0),
}


def page(interest, topics, quality, budget=200.0):
    task = EvolutionTask()
    n = len(topics)
    state = task.initial_state(task.draw_reset(source(), n))
    viewer = state.hidden._replace(
        interest=np.asarray(interest, np.float32),
        topic=np.asarray(topics),
        quality=np.asarray(quality, np.float32),
        budget=np.full(n, budget, np.float32),
    )
    return task, state._replace(hidden=viewer)


def source(seed=0):
    from sb3_ecom.core.arrays import NumpyBackend

    return NumpyBackend(np.random.default_rng(seed))


def noise(choice, drift, n=1, m=10):
    fresh = Documents(np.zeros((n, m), np.float32), np.zeros((n, m), np.float32))
    return StepNoise(np.full(n, choice, np.float32), np.full(n, drift, np.float32), fresh)


def test_a_page_by_hand():
    interest = np.zeros((1, 20))
    interest[0, [2, 5]] = 0.5, -0.2
    topics = np.arange(10)[None]
    quality = np.zeros((1, 10))
    quality[0, 2] = 1.7
    task, state = page(interest, topics, quality)
    slate = np.array([[2, 5, 7]])  # weights 1.5, 0.8, 1 and 2 for nothing: 5.3
    after, outcome = task.step(state, slate, noise(1.49 / 5.3, drift=0.74))
    assert outcome.slot[0] == 0
    assert outcome.watched[0] == 4
    # Half of 4 minutes x (0.9 / 3.4) x 1.7 is given back.
    assert after.hidden.budget[0] == pytest.approx(200 - 4 + 4 * 0.9 / 3.4 * 1.7)
    assert after.hidden.interest[0, 2] == pytest.approx(0.5 + 0.3 * 0.5 * 0.5)  # up: 0.74 < (0.5 + 1) / 2
    assert np.delete(after.hidden.interest[0], 2).tolist() == pytest.approx(
        np.delete(interest[0], 2).tolist()
    )
    after, outcome = task.step(state, slate, noise(1.51 / 5.3, drift=0.41))
    assert outcome.slot[0] == 1
    assert after.hidden.interest[0, 5] == pytest.approx(-0.2 - 0.3 * 0.8 * 1.2)  # down: 0.41 > 0.4
    after, outcome = task.step(state, slate, noise(3.31 / 5.3, drift=0.0))
    assert outcome.slot[0] == 3
    assert outcome.watched[0] == outcome.clicked[0] == 0
    assert after.hidden.budget[0] == pytest.approx(199.5)
    np.testing.assert_allclose(after.hidden.interest, interest)


def test_the_last_minutes_are_watched_in_part_and_end_the_episode():
    task, state = page(np.ones((1, 20)), np.arange(10)[None], np.zeros((1, 10)), budget=1.5)
    _, outcome = task.step(state, np.array([[0, 1, 2]]), noise(0.0, 0.5))
    assert outcome.watched[0] == 1.5
    assert task.terminated(outcome)[0]


def test_repeats_move_on_to_the_next_free_candidate():
    slates = np.array([[4, 4, 4], [9, 9, 0], [1, 2, 1], [3, 2, 3], [0, 5, 9]])
    expected = [[4, 5, 6], [9, 0, 1], [1, 2, 3], [3, 2, 4], [0, 5, 9]]
    np.testing.assert_array_equal(without_repeats(slates, 10), expected)
    many = without_repeats(np.random.default_rng(0).integers(4, size=(500, 4)), 4)
    assert (np.sort(many, axis=1) == np.arange(4)).all()


def test_interests_stay_within_bounds_and_quality_is_as_published():
    task = EvolutionTask()
    np.testing.assert_allclose(task.params.topic_quality[:14], np.linspace(-3, 0, 14))
    np.testing.assert_allclose(task.params.topic_quality[14:], np.linspace(0, 3, 6))
    loop = StepLoop(task, 32)
    loop.reset(0)
    draw = np.random.default_rng(0)
    for _ in range(60):
        loop.step(draw.integers(10, size=(32, 3)))
        assert np.abs(loop.state.hidden.interest).max() <= 1


@pytest.mark.parametrize(("policy", "episodes"), [("random", 1024), ("myopic", 1024), ("lambda_greedy", 512)])
def test_published_returns_are_reproduced(policy, episodes):
    result = sb3_ecom.evaluate(ID, policy, episodes=episodes, seed=1)
    value, stderr = PUBLISHED[policy]
    assert abs(result.mean - value) < 3 * np.hypot(result.stderr, stderr)


@pytest.mark.slow
@pytest.mark.parametrize("policy", PUBLISHED)
def test_published_returns_are_reproduced_over_many_episodes(policy):
    result = sb3_ecom.evaluate(ID, policy, episodes=16384, seed=2)
    value, stderr = PUBLISHED[policy]
    print(f"{policy} {result.mean:.2f} +- {result.stderr:.2f}, published {value} +- {stderr}")  # shown by -rP
    assert abs(result.mean - value) < 3 * np.hypot(result.stderr, stderr)


def test_allowing_repeats_is_an_exploit_of_the_size_that_was_measured():
    result = sb3_ecom.evaluate(ID, "lambda_greedy", episodes=512, repeats=True)
    assert abs(result.mean - 370) < 3 * np.hypot(result.stderr, 4)


def test_long_term_value_is_worth_more_than_myopic_showing():
    entry = sb3_ecom.spec(ID)
    myopic = sb3_ecom.evaluate(ID, "myopic", episodes=512)
    assert entry.best_known.value > 1.15 * (myopic.mean + 3 * myopic.stderr)


TWIN = {
    "topics": 3,
    "candidates": 2,
    "slate_size": 1,
    "budget": 9.0,
    "low_quality_share": 0.34,
    "lowest_quality": -1.0,
    "highest_quality": 3.0,
    "quality_sd": 0.0,
    "horizon": 8,
}
START = (0.5, -0.25, 0.0)


class FixedStart(EvolutionTask):
    """Every viewer starts with the same interests."""

    def start(self, noise):
        viewer, opening = super().start(noise)
        interest = np.tile(np.float32(START), (len(viewer.budget), 1))
        return viewer._replace(interest=interest), opening._replace(interest=interest)


def twin_return(policy_of, n=6000):
    loop = StepLoop(FixedStart(**TWIN), n)
    returns = run_episodes(loop, policy_of(loop), seed=3)["reward"]
    return returns.mean(), returns.std() / np.sqrt(n)


def test_the_tiny_twin_s_optimum_is_earned_by_its_policy_and_by_no_other():
    twin = oracle.TinyTwin(FixedStart(**TWIN).params, START)
    optimum = twin.optimum()
    assert twin.value.cache_info().currsize < 1e5

    def follow(loop):
        left = [9]

        def choose(observation):
            viewer = loop.state.hidden
            left[0] = max(left[0] - 1, 1)  # later pages are those of other episodes
            return np.array(
                [
                    twin.best(left[0], tuple(np.round(u.astype(float), 6)), round(float(b), 6), tuple(t))
                    for u, b, t in zip(viewer.interest, viewer.budget, viewer.topic.tolist(), strict=True)
                ]
            )

        return choose

    mean, stderr = twin_return(follow, n=1500)
    assert mean == pytest.approx(optimum, abs=3.5 * stderr)
    for maker in (baselines.myopic, baselines.lambda_greedy):
        mean, stderr = twin_return(lambda loop, maker=maker: maker(loop.task))
        assert mean < optimum + 3 * stderr
    myopic, _ = twin_return(lambda loop: baselines.myopic(loop.task))
    assert myopic < optimum - 5 * stderr


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"topics": 1}, r"topics must be in \[2, 1000\], got 1"),
        ({"slate_size": 11}, r"slate_size must be in \[1, 6\] \(candidates, 6\), got 11"),
        ({"budget": 0.0}, r"budget must be in \[0.001, 1000000\] minutes, got 0.0"),
        ({"drift": float("nan")}, "drift must be a finite number"),
        ({"refund": 0.5}, "refund must be < 1"),
        ({"interests": "guessed"}, "interests must be one of observed, hidden, got 'guessed'"),
        ({"nonsense": 1}, "unknown parameter of EcomRecEvolution.*nonsense"),
        ({"reward_weights": {"joy": 1}}, "unknown term 'joy'"),
    ],
)
def test_bad_parameters_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        EvolutionTask(**kwargs)
