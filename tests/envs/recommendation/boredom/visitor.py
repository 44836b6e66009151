"""A visitor of EcomRecBored with a taste that the test chooses."""

import numpy as np

from sb3_ecom.core.arrays import NumpyBackend
from sb3_ecom.envs.recommendation.boredom.dynamics import boredom_left, felt_taste


def visitor(task, taste, n=1):
    """Return visitors with this taste and no clicks yet."""
    noise = task.draw_reset(NumpyBackend(np.random.default_rng(0)), n)
    state = task.initial_state(noise._replace(click=np.ones_like(noise.click)))  # no click on the first page
    taste = np.asarray(taste, np.float32)
    return with_hidden(state, taste=np.tile(taste / np.linalg.norm(taste), (n, 1)))


def with_hidden(state, **parts):
    """Return the state with these parts of the hidden one replaced."""
    return state._replace(hidden=state.hidden._replace(**parts))


def left_next(state, params):
    """Return (n, T): pages of boredom left when the next page is shown."""
    return boredom_left(state.hidden.left, state.tracked.recent, params)


def felt_next(state, params):
    """Return (n, T): the taste with which the next page is met."""
    return felt_taste(state.hidden.taste, left_next(state, params), params)
