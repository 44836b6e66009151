"""SARDINE's boredom and influence: a visit by hand, bad parameters, and the ranker."""

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.envs.recommendation.boredom import baselines
from sb3_ecom.envs.recommendation.boredom.diversified_page import diversified_page, topic_lists
from sb3_ecom.envs.recommendation.boredom.dynamics import relevance
from sb3_ecom.envs.recommendation.boredom.env import BoredomTask
from sb3_ecom.envs.recommendation.slates import empty_repeats
from tests.envs.recommendation.boredom.visitor import felt_next, left_next, visitor, with_hidden


def always(task, n=1):
    return np.zeros((n, task.params.slate_size), np.float32)


def items_of(task, topic):
    return np.flatnonzero(task.tables.public.main == topic)


def test_catalogue_and_visitors_are_as_published():
    task = BoredomTask()
    items = task.tables.public.items
    assert set((items > 0).sum(1).tolist()) == {2, 3}
    np.testing.assert_allclose((items**2).sum(1), 1, rtol=1e-5)
    state = task.initial_state(task.draw_reset(NumpyBackend(np.random.default_rng(1)), 4000))
    still = BoredomTask(influence="none")
    noise = still.draw_reset(NumpyBackend(np.random.default_rng(1)), 4000)
    counts = (still.initial_state(noise).hidden.taste > 0).sum(1)
    assert set(counts.tolist()) == {3, 4, 5}
    np.testing.assert_allclose((state.hidden.taste**2).sum(1), 1, rtol=1e-4)
    expected = 4000 * BoredomTask().params.taste_counts
    np.testing.assert_allclose(np.bincount(counts)[3:], expected, atol=4 * np.sqrt(4000 / 4))


def test_clicks_are_relevance_times_propensity():
    task = BoredomTask(slate_size=3)
    state = visitor(task, np.ones(10))
    page = np.array([[3, 4, 5]])
    like = relevance(state.hidden.taste @ task.tables.public.items[page[0]].T, task.params)[0]
    cosine = (state.hidden.taste @ task.tables.public.items[page[0]].T)[0]
    np.testing.assert_allclose(like, 1 / (1 + np.exp(-100 * (cosine - 0.65))), rtol=1e-3)
    for slot in range(3):
        chance = like[slot] * 0.85**slot
        for offset, clicked in ((-1e-4, 1.0), (1e-4, 0.0)):
            noise = np.full((1, 3), 0.999, np.float32)
            noise[0, slot] = max(chance * (1 + offset), 0)
            if 1e-6 < chance < 0.99:
                assert task.step(state, page, noise)[1].clicks[0, slot] == clicked


def test_five_clicks_on_a_topic_bore_for_five_pages():
    task = BoredomTask(slate_size=5, influence="none", position_decay=1.0)
    pure = items_of(task, 2)[np.argsort(-task.tables.public.items[items_of(task, 2), 2])][:5]
    taste = task.tables.public.items[pure].mean(0)
    state = visitor(task, taste)
    state, outcome = task.step(state, pure[None], always(task))
    assert outcome.total[0] == 5
    assert outcome.bored[0] == 0
    for page in range(5):
        assert left_next(state, task.params)[0, 2] == 5 - page
        assert not felt_next(state, task.params).any()
        state, outcome = task.step(state, pure[None], np.full((1, 5), 1e-6, np.float32))
        assert (outcome.total[0], outcome.bored[0]) == (0, 1)
    assert not left_next(state, task.params).any()
    state, outcome = task.step(state, pure[None], always(task))
    assert outcome.total[0] == 5


def test_boredom_of_one_topic_leaves_the_others():
    task = BoredomTask(boredom="tloi")
    state = visitor(task, np.ones(10))
    state = with_hidden(state, left=np.eye(10, dtype=np.float32)[[4]] * 4)
    felt = felt_next(state, task.params)[0]
    assert felt[4] == 0
    assert (np.delete(felt, 4) > 0).all()


def test_only_the_last_ten_clicks_within_five_pages_count():
    task = BoredomTask(influence="none", boredom="none")
    state = visitor(task, np.ones(10))
    draw = np.random.default_rng(0)
    log = []  # (page, topic), as the published double-ended queue keeps them
    for page in range(60):
        slate = draw.choice(1000, size=(1, 10), replace=False)
        clicked = draw.random(10) < 0.25
        state = with_hidden(state, taste=np.zeros((1, 10), np.float32))
        noise = np.ones((1, 10), np.float32)
        noise[0, clicked] = -1.0  # below any chance: a click
        state, _ = task.step(state, slate, noise)
        log += [(page, int(task.tables.public.main[item])) for item in slate[0][clicked]]
        log = [entry for entry in log[-10:] if entry[0] > page - 5]
        expected = np.bincount([topic for _, topic in log], minlength=10)
        np.testing.assert_array_equal(state.tracked.recent[0], expected)


@pytest.mark.parametrize("kind", ["vector", "scalar", "none"])
def test_influence_blends_what_was_clicked(kind):
    task = BoredomTask(influence=kind, slate_size=3)
    state = visitor(task, np.arange(1.0, 11.0))
    page = np.array([[7, 8, 9]])
    noise = np.array([[-1.0, 1.0, -1.0]], np.float32)  # the first and the third are clicked
    after, _ = task.step(state, page, noise)
    mean = task.tables.public.items[[7, 9]].mean(0)
    pull = {"vector": mean, "scalar": np.full(10, mean.mean()), "none": state.hidden.taste[0]}[kind]
    expected = 0.95 * state.hidden.taste[0] + 0.05 * pull
    np.testing.assert_allclose(after.hidden.taste[0], expected / np.linalg.norm(expected), rtol=1e-5)


def test_repeats_are_emptied_and_pages_are_spread():
    slate = np.array([[5, 5, 7, 5], [1, 2, 3, 4]])
    np.testing.assert_array_equal(empty_repeats(slate), [[5, -1, 7, -1], [1, 2, 3, 4]])
    main = np.array([0, 0, 0, 1, 1, 2])
    lists = topic_lists(main, 3)
    scores = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]])
    plain = diversified_page(lists, scores, np.zeros(1), np.zeros((1, 3)), 3)
    np.testing.assert_array_equal(plain, [[0, 1, 2]])
    spread = diversified_page(lists, scores, np.full(1, 0.45), np.zeros((1, 3)), 3)
    np.testing.assert_array_equal(spread, [[0, 3, 5]])
    tired = diversified_page(lists, scores, np.full(1, 0.45), np.array([[2.0, 0, 0]]), 2)
    np.testing.assert_array_equal(tired, [[3, 5]])


def test_the_ranker_shows_what_its_weights_say():
    task = BoredomTask(action="ranker")
    weights = np.zeros((1, 11), np.float32)
    weights[0, 3], weights[0, 10] = 1.0, -1.0
    page = task.tracker.rank(weights, task.tables.public)[0]
    assert (np.argsort(-task.tables.public.items[:, 3])[:10] == page).all()
    weights[0, :10], weights[0, 10] = 1.0, 1.0
    assert len(set(task.tables.public.main[task.tracker.rank(weights, task.tables.public)[0]])) >= 8


def test_the_recorded_constant_page_is_the_popular_one():
    page = baselines.popular_page(BoredomTask())
    np.testing.assert_array_equal(page, sb3_ecom.spec("EcomRecBored-v0").best_constant)


def test_single_items_are_discrete_and_thompson_learns_in_a_visit():
    assert BoredomTask(slate_size=1).action_space.n == 1000
    result = sb3_ecom.evaluate("EcomRecBored-v0", "thompson_rotation", episodes=48)
    one_page = sb3_ecom.evaluate("EcomRecBored-v0", "last_clicks", episodes=48)
    assert result.mean > one_page.mean + 5 * result.stderr


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"boredom": "mild"}, "boredom must be one of car, tloi, none, got 'mild'"),
        ({"influence": "some"}, "influence must be one of vector, scalar, none"),
        ({"action": "page"}, "action must be one of slate, ranker, got 'page'"),
        ({"topics": 2}, r"topics must be in \[3, 1000\], got 2"),
        ({"bored_at": 11}, r"bored_at must be <= 10 \(remembered\), got 11"),
        ({"inertia": 1.5}, r"inertia must be in \[0, 1\], got 1.5"),
        ({"nonsense": 1}, "unknown parameter of EcomRecBored.*nonsense"),
    ],
)
def test_bad_parameters_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        BoredomTask(**kwargs)
