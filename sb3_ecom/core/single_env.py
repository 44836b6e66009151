"""gymnasium.Env as a view of a batch of one."""

from __future__ import annotations

from typing import Any

import gymnasium

from sb3_ecom.core.actions import as_array, check_actions
from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.rendering import check_render_mode
from sb3_ecom.core.task import MaskedTask, Task


class EcomEnv(gymnasium.Env[Any, Any]):
    """One copy of a task.

    The batch of one restarts itself when an episode ends; this view keeps that new episode back until
    `reset` asks for it, so that the single env and a batch of one meet the same customers.

    Info of a step: ``reward_terms`` (term -> float), the task's own step_info, and on the last step
    ``episode_totals`` (counter -> float).

    Raises:
        ValueError: on an unknown render mode, a bad action or a bad seed.
        RuntimeError: if `step` is called before `reset` or after the episode's end.
    """

    metadata = {"render_modes": ["rgb_array", "ansi"], "render_fps": 2}  # noqa: RUF012

    def __init__(self, task: Task, render_mode: str | None = None) -> None:
        check_render_mode(render_mode, self.metadata["render_modes"])
        self.loop = StepLoop(task, 1, keep_last_frame=render_mode is not None)
        self.task = task
        self.render_mode = render_mode
        self.observation_space = task.observation_space
        self.action_space = task.action_space
        self._next: Array | None = None  # first observation of the episode that waits for reset()
        self._running = False
        if isinstance(task, MaskedTask):  # only then: MaskablePPO asks whether the attribute is there
            self.action_masks = self._action_masks

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start an episode; a seed restarts the random stream."""
        if seed is None and self._next is not None:
            observation = self._next
            self.loop.show_new_episodes()
        else:
            observation = self.loop.reset(seed)[0]
            self._np_random = self.loop.backend.generator  # type: ignore[attr-defined]
            self._np_random_seed = self.loop.seeded
        self._next, self._running = None, True
        return observation, {}

    def step(self, action: Any) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Advance by one step."""
        if not self._running:
            raise RuntimeError("step was called before reset or after the episode ended: call reset() first")
        result = self.loop.step(check_actions(self.action_space, as_array(action)[None], 1))
        info: dict[str, Any] = {"reward_terms": {name: float(term[0]) for name, term in result.terms.items()}}
        for name, values in result.step_info.items():
            info[name] = values[0]
        observation = result.observation[0]
        if result.rows.size:
            self._next, self._running = observation, False
            observation = result.final_observation[0]
            info["episode_totals"] = {name: float(total[0]) for name, total in result.totals.items()}
        reward = float(result.reward[0])
        return observation, reward, bool(result.terminated[0]), bool(result.truncated[0]), info

    def render(self) -> Any:
        """Return the current page as a picture or text (in `render_mode`)."""
        return None if self.render_mode is None else self.loop.render(0, self.render_mode)

    def _action_masks(self) -> Array:
        """Return (A,) bool: which actions are allowed now (`Task.action_masks`)."""
        return self.loop.task.action_masks(self.loop.state)[0]  # type: ignore[attr-defined]
