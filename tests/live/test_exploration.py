"""Slates are drawn with the propensities that are told."""

from itertools import permutations

import numpy as np
import pytest

from sb3_ecom.live.exploration import Exploration, best_slate, parse_exploration

SCORES = np.array([1.0, 0.2, -0.5, 0.7, -np.inf])
WAYS = [Exploration(), Exploration("epsilon", 0.3), Exploration("plackett-luce", 0.5)]


@pytest.mark.parametrize("explore", WAYS, ids=str)
def test_the_chances_of_all_slates_sum_to_one_and_closed_items_have_none(explore):
    slates = np.array(list(permutations(range(5), 3)))
    chances = np.array([explore.propensities(SCORES, slate).prod() for slate in slates])
    assert chances.sum() == pytest.approx(1.0)
    assert chances[(slates == 4).any(1)].sum() == 0


@pytest.mark.parametrize("explore", WAYS, ids=str)
def test_slates_are_drawn_as_often_as_their_propensities_say(explore):
    generator, draws = np.random.default_rng(0), 20_000
    counts = {}
    for _ in range(draws):
        slate = tuple(explore.draw(SCORES, 3, generator))
        counts[slate] = counts.get(slate, 0) + 1
    for slate in permutations(range(4), 3):
        chance = explore.propensities(SCORES, np.array(slate)).prod()
        spread = np.sqrt(chance * (1 - chance) / draws)
        assert abs(counts.get(slate, 0) / draws - chance) <= 4.5 * spread + 1e-12


def test_fewer_open_items_than_slots_give_a_shorter_slate():
    scores = np.array([0.0, -np.inf, 1.0])
    for explore in WAYS:
        slate = explore.draw(scores, 5, np.random.default_rng(1))
        assert sorted(slate) == [0, 2]
        assert (explore.propensities(scores, slate) > 0).all()
    assert best_slate(scores, 2).tolist() == [2, 0]


@pytest.mark.parametrize("text", ["none", "epsilon:0.05", "plackett-luce:0.5"])
def test_an_exploration_is_read_as_it_is_written(text):
    assert str(parse_exploration(text)) == text


@pytest.mark.parametrize(
    "text", ["epsilon", "epsilon:0", "epsilon:1.5", "softmax:1", "plackett-luce:-1", "plackett-luce:nan"]
)
def test_a_bad_exploration_is_named(text):
    with pytest.raises(ValueError, match="exploration must be none, epsilon:E or plackett-luce:TEMPERATURE"):
        parse_exploration(text)
