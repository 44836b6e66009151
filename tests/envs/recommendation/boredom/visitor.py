"""A visitor of EcomRecBored with a taste that the test chooses."""

import numpy as np

from sb3_ecom.core.arrays import NumpyBackend


def visitor(task, taste, n=1):
    """Return visitors with this taste and no clicks yet."""
    noise = task.draw_reset(NumpyBackend(np.random.default_rng(0)), n)
    state = task.initial_state(noise._replace(click=np.ones_like(noise.click)))  # no click on the first page
    taste = np.asarray(taste, np.float32)
    return state._replace(taste=np.tile(taste / np.linalg.norm(taste), (n, 1)))
