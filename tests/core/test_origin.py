"""A model is tied to the environment that it was trained in."""

import pickle

import gymnasium as gym
import pytest

from sb3_ecom.core.registry import make_task, specs


def space(env_id, **kwargs):
    return make_task(env_id, **kwargs).observation_space


@pytest.mark.parametrize("env_id", sorted(specs()))
def test_the_same_environment_has_equal_spaces_of_every_form(env_id):
    one, two = space(env_id), gym.make(env_id).observation_space
    assert one == two
    assert one.origin.env_id == env_id
    assert pickle.loads(pickle.dumps(one)) == two
    assert one == gym.make_vec(env_id, 2).single_observation_space


@pytest.mark.parametrize(
    ("env_id", "kwargs", "named"),
    [
        ("EcomLostSales-v0", {"penalty": 9.0}, "penalty=9.0"),
        ("EcomAds-v0", {"preset": "exchange2"}, "price_median="),
        ("EcomAds-v0", {"control": "absolute"}, "control='absolute'"),
        ("EcomRecLarge-v0", {"catalogue_seed": 3}, "catalogue_seed=3"),
        ("EcomInventory-v0", {"dispatch_days": (0, 1)}, "dispatch_days=(0, 1)"),
    ],
)
def test_another_environment_has_another_space_and_says_which(env_id, kwargs, named):
    one, two = space(env_id), space(env_id, **kwargs)
    assert one != two
    assert named in repr(two)
    assert repr(one) != repr(two)


def test_what_changes_no_observation_and_no_action_makes_no_difference():
    one = space("EcomLostSales-v0")
    assert one == space("EcomLostSales-v0", max_episode_steps=3)
    assert one == space("EcomLostSales-v0", reward_weights={"penalty": 2.0})
    assert one == space("EcomLostSales-v0", penalty=4.0)  # the default, written out


def test_a_space_without_an_origin_fits_any():
    one, two = space("EcomLostSales-v0"), space("EcomLostSales-v0", penalty=9.0)
    two.origin = None
    assert one == two
