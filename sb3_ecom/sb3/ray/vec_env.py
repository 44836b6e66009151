"""A VecEnv whose copies are spread over the actors of a Ray cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.registry import make_task
from sb3_ecom.sb3.episode_log import EpisodeLog
from sb3_ecom.sb3.ray.shards import ShardedLoop
from sb3_ecom.sb3.vec_env import EcomVecEnv


class RayVecEnv(EcomVecEnv):
    """n copies of an id in `shards` actors of a Ray cluster, as one SB3 VecEnv.

    Arrays travel through Ray's object store: on one machine that costs more than it brings, since one
    process steps all copies at once; it pays where the shards are other machines. A lost actor is replaced:
    its episodes are truncated, are not counted as whole ones, and one warning names the copies.

    With one shard and the same seed the trajectories are those of ``make_vec_env``; with more, each shard's
    are those of ``make_vec_env(env_id, n_envs / shards, seed)`` for its seed of `shards.shard_seeds`.

    Args:
        env_id: a registered id.
        num_envs: copies, >= 1, a multiple of `shards`.
        shards: actors, >= 1. They run in the cluster that ``ray.init`` has joined, or in a local one.
        seed: of all copies, >= 0; None draws one.
        stagger: spread the first truncation of the copies over the horizon.
        log: where ended episodes are written.
        **env_kwargs: as for ``gymnasium.make(env_id, ...)``.

    Raises:
        ImportError: without Ray (``pip install 'sb3-ecom[ray]'``).
        ValueError: on an unknown id or argument, or shards that do not divide the copies.
    """

    def __init__(
        self,
        env_id: str,
        num_envs: int = 1,
        shards: int = 1,
        seed: int | None = None,
        *,
        stagger: bool = False,
        log: EpisodeLog | None = None,
        **env_kwargs: Any,
    ) -> None:
        task = make_task(env_id, **env_kwargs)
        loop = ShardedLoop(task, env_id, num_envs, shards, stagger, env_kwargs, self._not_whole)
        super().__init__(task, num_envs, env_id=env_id, log=log)
        self.loop = loop  # type: ignore[assignment]
        self.seed(seed)

    def close(self) -> None:
        """Stop the actors and close the Monitor file."""
        cast(ShardedLoop, self.loop).close()
        super().close()

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the tasks live in other processes.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"set_attr({attr_name!r}) does not reach the actors: build a RayVecEnv with it")

    def get_images(self) -> Sequence[Array | None]:
        """Return no pictures: they are drawn by an environment of this process."""
        return [None] * self.num_envs

    def _action_masks(self) -> Array:
        return cast(ShardedLoop, self.loop).action_masks()

    def _not_whole(self, rows: Array) -> None:
        """Keep the episodes that a lost actor cut out of the account of whole ones."""
        self._cut[np.asarray(rows)] = True
