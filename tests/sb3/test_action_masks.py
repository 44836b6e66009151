"""MaskablePPO is told which items are closed."""

import gymnasium as gym
import numpy as np
import pytest
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported

from sb3_ecom.sb3 import make_vec_env

IDS = ["EcomRecSlate-v0", "EcomRecSingle-v0", "EcomRecContext-v0"]


@pytest.mark.parametrize("env_id", IDS)
def test_maskable_ppo_trains_where_items_can_be_closed(env_id):
    venv = make_vec_env(env_id, 4, seed=0)
    assert is_masking_supported(venv)
    model = MaskablePPO("MlpPolicy", venv, n_steps=16, batch_size=32, n_epochs=1, seed=0).learn(128)
    seen, masks = venv.reset(), get_action_masks(venv)
    space = venv.action_space
    assert masks.shape == (4, int(np.sum(getattr(space, "nvec", getattr(space, "n", 0)))))
    assert model.predict(seen, action_masks=masks)[0].shape[0] == 4
    assert gym.make(env_id).unwrapped.action_masks is not None


@pytest.mark.parametrize("env_id", IDS[:2])
def test_a_mask_closes_the_opened_items_and_no_other(env_id):
    venv = make_vec_env(env_id, 64, seed=0)
    seen = venv.reset()
    space = venv.observation_space
    draw = np.random.default_rng(0)
    for _ in range(6):
        masks = get_action_masks(venv).reshape(64, -1, len(space.items.log_popularity))
        closed = seen[:, space.items.closed] > 0
        assert closed.any(axis=1).all()  # the landing item at least
        np.testing.assert_array_equal(masks, np.repeat(~closed[:, None], masks.shape[1], 1))
        chosen = (draw.random(masks.shape) * masks).argmax(axis=2)
        seen = venv.step(chosen if chosen.shape[1] > 1 else chosen[:, 0])[0]
        if masks.shape[1] == 1:  # an open item never leaves its slot empty
            assert (venv.last.step_info["slate"] >= 0).all()


def test_a_ranker_has_no_masks():
    assert not is_masking_supported(make_vec_env("EcomRec-v0", 2))
