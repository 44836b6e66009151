"""What SARDINE's boredom makes of returns: the published ones, rotation against greed, an exact twin."""

import functools

import numpy as np
import pytest

from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.core.evaluate import random_policy, run_episodes
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.envs.recommendation.boredom import oracle
from sb3_ecom.envs.recommendation.boredom.env import BoredomTask
from tests.envs.recommendation.boredom.visitor import felt_next, left_next, visitor

SINGLE = {"slate_size": 1, "boredom": "none", "influence": "none"}


def mean_return(kwargs, policy, n, seed=0):
    loop = StepLoop(BoredomTask(**kwargs), n)
    returns = run_episodes(loop, policy(loop), seed)["reward"]
    return returns.mean(), returns.std() / np.sqrt(n)


#: Measured on the published code v1.0.8 with its own catalogue, one draw (facts/recommendation.md). Its topic
#: rotation (325) has no definition there; a page whose slots go through the visitor's own topics in turn, the
#: nearest items of each, earned 308 (ten catalogues, 500 visitors each), ours earns more than 325.
PUBLISHED = [
    ({"influence": "none"}, lambda loop: random_policy(loop.task, loop.num_envs, 0), 43.6),
    ({"influence": "none"}, oracle.greedy, 143.0),
    (SINGLE, lambda loop: random_policy(loop.task, loop.num_envs, 0), 8.4),
    (SINGLE, oracle.greedy, 100.0),
]


def reproduce(kwargs, policy, value, catalogues, n):
    means, errors = zip(
        *(mean_return({**kwargs, "catalogue_seed": seed}, policy, n) for seed in range(catalogues)),
        strict=True,
    )
    # One published catalogue: it differs from ours by the spread between catalogues.
    between = np.std(means, ddof=1)
    slack = np.sqrt(between**2 * (1 + 1 / catalogues) + np.mean(np.square(errors)) / catalogues)
    print(f"{np.mean(means):.2f} (spread of catalogues {between:.2f}), published {value}")  # shown by -rP
    assert abs(np.mean(means) - value) < 3 * slack + 0.05


@pytest.mark.parametrize(("kwargs", "policy", "value"), PUBLISHED[:1] + PUBLISHED[2:3])
def test_published_returns_are_reproduced(kwargs, policy, value):
    reproduce(kwargs, policy, value, catalogues=4, n=400)


@pytest.mark.slow
@pytest.mark.parametrize(("kwargs", "policy", "value"), PUBLISHED)
def test_published_returns_are_reproduced_over_many_catalogues(kwargs, policy, value):
    reproduce(kwargs, policy, value, catalogues=10, n=500)


@pytest.mark.slow
def test_a_rotation_reaches_the_published_one_and_no_policy_the_cap():
    mean, stderr = mean_return({"influence": "none"}, oracle.rotation, 500)
    assert mean > 325 + 3 * stderr
    assert mean < oracle.cap(BoredomTask())


def test_rotation_is_worth_more_than_the_myopic_page():
    greedy = mean_return({}, oracle.greedy, 48)
    best = mean_return({}, oracle.rotation, 48)
    assert best[0] > 1.15 * greedy[0] + 3 * best[1]
    assert best[0] < oracle.cap(BoredomTask())


TWIN = {
    "items": 6,
    "topics": 3,
    "slate_size": 1,
    "horizon": 7,
    "influence": "none",
    "bored_at": 2,
    "remembered": 2,
    "window": 2,
    "slope": 6.0,
    "catalogue_seed": 3,
}


def twin_optimum(task, taste, boredom):
    """Exact value by plain recursion over (pages left, last clicks, boredom left), one visitor."""
    p, public = task.params, task.tables.public
    topics = public.main.tolist()

    def chance(item, left):
        felt = taste.copy()
        if boredom == "car" and any(left):
            felt[:] = 0
        if boredom == "tloi":
            felt[np.array(left) > 0] = 0
        return float(1 / (1 + np.exp(-p.slope * (public.items[item] @ felt - p.offset))))

    @functools.cache
    def best(pages, clicks, left):
        if pages == 0:
            return 0.0, 0
        options = []
        for item in range(p.items):
            hit = chance(item, left)
            worth = 0.0
            for clicked, probability in ((1, hit), (0, 1 - hit)):
                log = tuple((topic, age + 1) for topic, age in clicks)
                log = (*log, (topics[item], 1)) if clicked else log
                log = tuple(entry for entry in log[-p.remembered :] if entry[1] <= p.window)
                counts = [sum(topic == k for topic, _ in log) for k in range(p.topics)]
                after = [max(k - 1, 0) for k in left]
                after = tuple(
                    p.window if count >= p.bored_at and rest == 0 else rest
                    for count, rest in zip(counts, after, strict=True)
                )
                worth += probability * (clicked + best(pages - 1, log, after)[0])
            options.append((worth, item))
        return max(options)

    return best


@pytest.mark.parametrize("boredom", ["car", "tloi"])
def test_the_tiny_twin_s_optimum_is_earned_by_its_policy_and_not_by_greed(boredom):
    n = 6000
    task = BoredomTask(**TWIN, boredom=boredom)
    taste = np.array([0.7, 0.6, 0.4])
    taste /= np.linalg.norm(taste)
    best = twin_optimum(task, taste, boredom)
    optimum = best(7, (), (0, 0, 0))[0]
    source = NumpyBackend(np.random.default_rng(2))

    def play(choose):
        state = visitor(task, taste, n)
        total = np.zeros(n)
        for page in range(7):
            state, outcome = task.step(state, choose(state, 7 - page), task.draw_step(source, n))
            total += outcome.total
        return total.mean(), total.std() / np.sqrt(n)

    def planned(state, pages):
        keys = [
            (
                tuple((int(t), int(a)) for t, a in zip(topics, ages, strict=True) if t >= 0 and a <= 2),
                tuple(int(v) for v in left),
            )
            for topics, ages, left in zip(
                state.tracked.clicks, state.tracked.age, left_next(state, task.params), strict=True
            )
        ]
        return np.array([best(pages, *key)[1] for key in keys])

    mean, stderr = play(planned)
    assert mean == pytest.approx(optimum, abs=3.5 * stderr)
    greedy, error = play(
        lambda state, pages: (felt_next(state, task.params) @ task.tables.public.items.T).argmax(1)
    )
    assert greedy < optimum + 3 * error
    assert greedy < mean - 4 * error
