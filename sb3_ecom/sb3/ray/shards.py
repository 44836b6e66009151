"""A step loop whose copies live in the actors of a Ray cluster."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array, check_seed
from sb3_ecom.core.checks import check_whole
from sb3_ecom.core.extras import import_extra
from sb3_ecom.core.loop import StepLoop, Transition
from sb3_ecom.core.registry import make_task
from sb3_ecom.core.task import Task


def shard_seeds(seed: int, shards: int) -> list[int]:
    """Return the seed of each shard; that of a single one is `seed`."""
    if shards == 1:
        return [seed]
    return [int(word) for word in np.random.SeedSequence(seed).generate_state(shards)]


class Shard:
    """The copies of one actor."""

    def __init__(self, env_id: str, copies: int, stagger: bool, env_kwargs: dict[str, Any]) -> None:
        import sb3_ecom

        sb3_ecom.specs()  # the ids of the package are registered in this process too
        self.loop = StepLoop(make_task(env_id, **env_kwargs), copies, stagger=stagger)

    def reset(self, seed: int | None) -> tuple[Array, Array]:
        """Start all episodes; return observations and `StepLoop.head_start`."""
        observation = self.loop.reset(seed)
        return observation, self.loop.head_start

    def step(self, actions: Array) -> Transition:
        """Advance every copy."""
        return self.loop.step(actions)

    def action_masks(self) -> Array:
        """Return the actions that are allowed now, (copies, A) bool."""
        return self.loop.task.action_masks(self.loop.state)  # type: ignore[attr-defined]


class ShardedLoop:
    """What `EcomVecEnv` asks of a `StepLoop`, from the shards of a Ray cluster.

    An actor that is lost is replaced by one with fresh customers: the episodes of its copies end there,
    truncated, with the last observation that they showed, reward 0 and totals 0; one warning says so.

    Args:
        task: of the copies, for its spaces.
        env_id: a registered id.
        num_envs: copies of all shards together.
        shards: actors, which divide `num_envs`.
        stagger: spread the first truncation of the copies over the horizon, in each shard.
        env_kwargs: of the id.
        on_lost: called with the copies, int (k,), of a lost actor.

    Raises:
        ImportError: without Ray.
        ValueError: if the shards do not divide the copies.
    """

    last_frame = None  # pictures are drawn by an environment of this process

    def __init__(
        self,
        task: Task,
        env_id: str,
        num_envs: int,
        shards: int,
        stagger: bool,
        env_kwargs: dict[str, Any],
        on_lost: Callable[[Array], None],
    ) -> None:
        check_whole("num_envs", num_envs, 1)
        check_whole("shards", shards, 1)
        if num_envs % shards:
            raise ValueError(f"num_envs must be a multiple of the {shards} shards, got {num_envs}")
        self._ray = import_extra("ray", "ray", "RayVecEnv")
        if not self._ray.is_initialized():
            self._ray.init(include_dashboard=False, log_to_driver=False, logging_level="warning")
        self._actor = self._ray.remote(max_restarts=0)(Shard)
        self.task, self.num_envs, self.size = task, num_envs, num_envs // shards
        self._arguments = (env_id, self.size, stagger, env_kwargs)
        self._on_lost = on_lost
        self.actors = [self._actor.remote(*self._arguments) for _ in range(shards)]
        self.seeded: int | None = None
        self.head_start: Array = None
        self._observation: Array = None  # (n, d) shown last
        self._before: list[Transition | None] = [None] * shards
        self._lost = 0

    def reset(self, seed: int | None = None) -> Array:
        """Start n new episodes; return (n, d) observations. A seed restarts the random streams."""
        seeds: Sequence[int | None] = [None] * len(self.actors)
        if seed is not None or self.seeded is None:
            self.seeded = (
                int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else check_seed(seed)
            )
            seeds = shard_seeds(self.seeded, len(self.actors))
        pairs = self._ray.get([a.reset.remote(s) for a, s in zip(self.actors, seeds, strict=True)])
        self._observation = np.concatenate([observation for observation, _ in pairs])
        self.head_start = np.concatenate([head_start for _, head_start in pairs])
        return self._observation.copy()

    def step(self, actions: Array) -> Transition:
        """Advance every copy in its actor."""
        parts = np.split(np.asarray(actions), len(self.actors))
        waiting = [actor.step.remote(part) for actor, part in zip(self.actors, parts, strict=True)]
        steps = [self._result_of(place, reference) for place, reference in enumerate(waiting)]
        self._before = list(steps)
        whole = _joined(steps, self.size)
        self._observation = whole.observation
        return whole

    def action_masks(self) -> Array:
        """Return the actions that are allowed now, (n, A) bool."""
        return np.concatenate(self._ray.get([actor.action_masks.remote() for actor in self.actors]))

    def close(self) -> None:
        """Stop the actors."""
        for actor in self.actors:
            self._ray.kill(actor)
        self.actors = []

    def _result_of(self, place: int, reference: Any) -> Transition:
        try:
            return self._ray.get(reference)  # type: ignore[no-any-return]
        except self._ray.exceptions.RayActorError as error:
            return self._replaced(place, error)

    def _replaced(self, place: int, error: Exception) -> Transition:
        """Start another actor and return a step that cuts the episodes of the lost one."""
        first = place * self.size
        rows = np.arange(first, first + self.size)
        warnings.warn(
            f"RayVecEnv lost the actor of copies {rows[0]} to {rows[-1]} "
            f"({str(error).splitlines()[0]}): its episodes are truncated and another actor takes over",
            RuntimeWarning,
            stacklevel=4,
        )
        before = self._before[place]
        if before is None:
            raise error  # it never made a step: the next one would fail too
        self._lost += 1
        self._on_lost(rows)
        self.actors[place] = self._actor.remote(*self._arguments)
        fresh = int(np.random.SeedSequence([self.seeded or 0, self._lost]).generate_state(1)[0])
        observation, _ = self._ray.get(self.actors[place].reset.remote(fresh))
        return Transition(
            observation=observation,
            reward=before.reward * 0,
            terminated=np.zeros(self.size, dtype=bool),
            truncated=np.ones(self.size, dtype=bool),
            terms={name: term * 0 for name, term in before.terms.items()},
            step_info={name: np.zeros_like(values) for name, values in before.step_info.items()},
            rows=np.arange(self.size),
            final_observation=self._observation[rows],
            totals={name: np.zeros(self.size) for name in before.totals},
        )


def _joined(steps: Sequence[Transition], size: int) -> Transition:
    """Return the step of all copies, shard after shard of `size` copies."""

    def joined(name: str) -> dict[str, Array]:
        return {
            key: np.concatenate([getattr(s, name)[key] for s in steps]) for key in getattr(steps[0], name)
        }

    arrays = ("observation", "reward", "terminated", "truncated", "final_observation")
    whole: dict[str, Any] = {name: np.concatenate([getattr(step, name) for step in steps]) for name in arrays}
    rows = np.concatenate([step.rows + place * size for place, step in enumerate(steps)])
    parts: dict[str, Any] = {name: joined(name) for name in ("terms", "step_info", "totals")}
    return Transition(rows=rows, **whole, **parts)
