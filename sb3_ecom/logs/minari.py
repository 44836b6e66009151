"""Write recorded episodes as a Minari dataset (https://minari.farama.org), the offline learners' format."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from sb3_ecom.logs.recorder import Interactions

_FOLDER = "MINARI_DATASETS_PATH"


def to_minari(interactions: Interactions, dataset_id: str, **metadata: Any) -> Any:
    """Write a local dataset and return it; propensities stand in the infos of each step.

    Args:
        interactions: what `sb3_ecom.logs.record` returned.
        dataset_id: e.g. ``"ecom/context/uniform-v0"``.
        **metadata: passed to `minari.create_dataset_from_buffers`, e.g. ``author="..."``.

    Raises:
        ImportError: if minari is not installed (``pip install minari h5py``).
    """
    import gymnasium
    import minari
    from minari.data_collector import EpisodeBuffer

    buffers = []
    for episode, length in enumerate(interactions.length.tolist()):
        ends = np.zeros(length, dtype=bool)
        terminations, truncations = ends.copy(), ends.copy()
        terminations[-1] = interactions.terminated[episode]
        truncations[-1] = not interactions.terminated[episode]
        propensity = interactions.propensity[episode, :length]
        # Minari stores an info of the reset too: nothing was chosen there, so its chance is 1.
        infos = {"propensity": np.concatenate([np.ones_like(propensity[:1]), propensity])}
        buffers.append(
            EpisodeBuffer(
                id=episode,
                observations=interactions.observation[episode, : length + 1],
                actions=interactions.action[episode, :length],
                rewards=interactions.reward[episode, :length],
                terminations=terminations,
                truncations=truncations,
                infos=infos,
            )
        )
    env = gymnasium.make(interactions.env_id, **interactions.env_kwargs)
    if folder := os.environ.get(_FOLDER):  # Minari looks for its own files twice below a relative one
        os.environ[_FOLDER] = os.path.abspath(folder)
    return minari.create_dataset_from_buffers(dataset_id, buffers, env=env, **metadata)
