"""gymnasium's VectorEnv over the step loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from sb3_ecom.core.actions import check_actions
from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop, Transition
from sb3_ecom.core.rendering import check_render_mode
from sb3_ecom.core.task import Task


class EcomVectorEnv(VectorEnv[Any, Any, Any]):
    """n copies of a task as one gymnasium VectorEnv with SAME_STEP autoreset.

    Info of a step: ``reward_terms`` (term -> (n,)), the task's own step_info, and where episodes ended
    ``final_obs``, ``final_info`` (with ``episode_totals``: counter -> (n,)) and their ``_`` masks.

    Raises:
        ValueError: on an unknown render mode, a bad action or a bad seed.
    """

    metadata = {  # noqa: RUF012 - gymnasium declares it so
        "autoreset_mode": AutoresetMode.SAME_STEP,
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 2,
    }

    def __init__(self, task: Task, num_envs: int = 1, render_mode: str | None = None) -> None:
        check_render_mode(render_mode, self.metadata["render_modes"])
        self.loop = StepLoop(task, num_envs, keep_last_frame=render_mode is not None)
        self.task = task
        self.render_mode = render_mode
        self.num_envs = num_envs
        self.single_observation_space = task.observation_space
        self.single_action_space = task.action_space
        self.observation_space = batch_space(task.observation_space, num_envs)
        self.action_space = batch_space(task.action_space, num_envs)

    def reset(  # type: ignore[override]
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start all copies anew, or those of ``options={"reset_mask": (n,) bool}``.

        Raises:
            ValueError: on a seed that is not one whole number, or a mask of another shape or without a copy.
        """
        mask = (options or {}).get("reset_mask")
        if mask is not None:
            return self.loop.reset_rows(self._rows_of(mask, seed)), {}
        observation = self.loop.reset(seed)
        self._np_random = self.loop.backend.generator  # type: ignore[attr-defined]
        self._np_random_seed = self.loop.seeded
        return observation, {}

    def step(self, actions: Any) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Advance every copy by one step."""
        result = self.loop.step(check_actions(self.single_action_space, actions, self.num_envs))
        info: dict[str, Any] = {"reward_terms": result.terms, **result.step_info}
        if result.rows.size:
            info |= self._final(result)
        return result.observation, result.reward, result.terminated, result.truncated, info

    def render(self) -> tuple[Any, ...] | None:
        """Return one picture or text per copy (in `render_mode`)."""
        if self.render_mode is None or self.loop.last_frame is None:
            return None
        return tuple(self.loop.render(row, self.render_mode) for row in range(self.num_envs))

    def _rows_of(self, mask: Any, seed: Any) -> Array:
        found = np.asarray(mask)
        if seed is not None:
            raise ValueError(
                f"reset_mask restarts some copies of one stream: seed must be None, got {seed!r}"
            )
        if found.shape != (self.num_envs,) or found.dtype != np.bool_ or not found.any():
            raise ValueError(
                f"reset_mask must be ({self.num_envs},) bool with a copy to restart, got "
                f"{found.dtype} of shape {found.shape}"
            )
        return np.flatnonzero(found)

    def _final(self, result: Transition) -> dict[str, Any]:
        mask = np.zeros(self.num_envs, dtype=bool)
        mask[result.rows] = True
        final_obs = np.full(self.num_envs, None, dtype=object)
        for row, observation in zip(result.rows, result.final_observation, strict=True):
            final_obs[row] = observation
        totals = {}
        for name, values in result.totals.items():
            totals[name] = np.zeros(self.num_envs)
            totals[name][result.rows] = values
        final_info = {"reward_terms": result.terms, **result.step_info, "episode_totals": totals}
        return {"final_obs": final_obs, "_final_obs": mask, "final_info": final_info, "_final_info": mask}
