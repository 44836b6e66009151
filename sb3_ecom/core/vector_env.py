"""gymnasium's VectorEnv over the step loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from sb3_ecom.core.actions import check_actions
from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.loop import StepLoop, Transition
from sb3_ecom.core.rendering import check_render_mode
from sb3_ecom.core.task import Task

_NO_ROWS = np.zeros(0, dtype=np.int64)


class EcomVectorEnv(VectorEnv[Any, Any, Any]):
    """n copies of a task as one gymnasium VectorEnv.

    Info of a step: ``reward_terms`` (term -> (n,)), the task's own step_info, and where episodes ended
    ``episode_totals`` (counter -> (n,)): under autoreset "same_step" in ``final_info``, beside ``final_obs``,
    with their ``_`` masks; in the other modes in the info itself, with ``_episode_totals``. Under "next_step"
    a copy that begins an episode has reward and terms 0 and no info of its own: the ``_`` masks of
    ``reward_terms`` and step_info say which copies made a step.

    Args:
        task: what to simulate.
        num_envs: copies, >= 1.
        render_mode: "rgb_array", "ansi" or None.
        autoreset_mode: "same_step" (the step that ends an episode returns the first observation of the next
            one), "next_step" (the step after that does, and its action is not read) or "disabled" (the caller
            restarts ended copies by ``reset(options={"reset_mask": mask})``); or gymnasium's AutoresetMode.

    Raises:
        ValueError: on an unknown render or autoreset mode, a bad action or a bad seed.
        RuntimeError: under "disabled", on a step while a copy waits for its reset.
    """

    metadata = {  # noqa: RUF012 - gymnasium declares it so
        "autoreset_mode": AutoresetMode.SAME_STEP,
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 2,
    }

    def __init__(
        self,
        task: Task,
        num_envs: int = 1,
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP,
    ) -> None:
        check_render_mode(render_mode, self.metadata["render_modes"])
        self.autoreset_mode = _as_autoreset_mode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self.loop = StepLoop(task, num_envs, keep_last_frame=render_mode is not None)
        self.task = task
        self.render_mode = render_mode
        self.num_envs = num_envs
        self.single_observation_space = task.observation_space
        self.single_action_space = task.action_space
        self.observation_space = batch_space(task.observation_space, num_envs)
        self.action_space = batch_space(task.action_space, num_envs)
        self._waiting = _NO_ROWS  # copies whose next episode has not begun, int (k,)
        self._first: Array = None  # (k, d) first observations of those episodes
        self._last: Array = None  # (k, d) last observations of the episodes that ended there
        self._begun = _NO_ROWS  # copies whose last step began an episode

    def reset(  # type: ignore[override]
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start all copies anew, or those of ``options={"reset_mask": (n,) bool}``.

        Raises:
            ValueError: on a seed that is not one whole number, or a mask of another shape or without a copy.
        """
        mask = (options or {}).get("reset_mask")
        if mask is not None:
            return self._reset_rows(self._rows_of(mask, seed)), {}
        self._waiting = self._begun = _NO_ROWS
        observation = self.loop.reset(seed)
        self._np_random = self.loop.backend.generator  # type: ignore[attr-defined]
        self._np_random_seed = self.loop.seeded
        return observation, {}

    def step(self, actions: Any) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Advance every copy by one step."""
        checked = check_actions(self.single_action_space, actions, self.num_envs)
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            result = self.loop.step(checked)
            info: dict[str, Any] = {"reward_terms": result.terms, **result.step_info}
            if result.rows.size:
                info |= self._final(result)
            return result.observation, result.reward, result.terminated, result.truncated, info
        if self._waiting.size and self.autoreset_mode is AutoresetMode.DISABLED:
            raise RuntimeError(
                f"the episodes of copies {self._waiting.tolist()} have ended: restart them by "
                'reset(options={"reset_mask": mask}) before the next step'
            )
        if self._waiting.size == self.num_envs:
            return self._begin_all()
        return self._step_and_wait(checked)

    def render(self) -> tuple[Any, ...] | None:
        """Return one picture or text per copy (in `render_mode`)."""
        if self.render_mode is None or self.loop.last_frame is None:
            return None
        begun = set(self._begun.tolist())
        rows = range(self.num_envs)
        return tuple(self.loop.render(row, self.render_mode, begun=row in begun) for row in rows)

    def _reset_rows(self, rows: Array) -> Array:
        observation = self.loop.reset_rows(rows)
        still = ~np.isin(self._waiting, rows)
        self._begun = _NO_ROWS
        if still.any():
            self._first, self._last = self._first[still], self._last[still]
            observation[self._waiting[still]] = self._last
        self._waiting = self._waiting[still]
        return observation

    def _begin_all(self) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Begin the episodes of all copies, which wait."""
        self._begun, self._waiting = self._waiting, _NO_ROWS
        never = np.zeros(self.num_envs, dtype=bool)
        return self._first, np.zeros(self.num_envs, dtype=np.float32), never, never.copy(), {}

    def _step_and_wait(self, actions: Array) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Begin the episodes that wait and advance the other copies; those that end show their last page.

        The loop restarts a copy in the step that ends its episode, so the waiting episodes are there already:
        they are taken out for the time of the step.
        """
        begun, first = self._waiting, self._first
        taken = self.loop.take_rows(begun) if begun.size else None
        result = self.loop.step(actions)
        if begun.size:
            self.loop.put_rows(begun, taken)
        moved = ~self._mask_of(begun)
        observation, ended = result.observation, moved[result.rows]
        rows = result.rows[ended]
        self._begun, self._waiting = begun, rows
        self._first, self._last = observation[rows], result.final_observation[ended]
        observation[rows] = self._last
        if begun.size:
            observation[begun] = first
        info = _info_of_moved({"reward_terms": result.terms, **result.step_info}, moved)
        if rows.size:
            totals = {name: values[ended] for name, values in result.totals.items()}
            info |= {"episode_totals": self._spread(rows, totals), "_episode_totals": self._mask_of(rows)}
        reward = np.where(moved, result.reward, np.float32(0))
        return observation, reward, result.terminated & moved, result.truncated & moved, info

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
        mask = self._mask_of(result.rows)
        final_obs = np.full(self.num_envs, None, dtype=object)
        for row, observation in zip(result.rows, result.final_observation, strict=True):
            final_obs[row] = observation
        totals = self._spread(result.rows, result.totals)
        final_info = {"reward_terms": result.terms, **result.step_info, "episode_totals": totals}
        return {"final_obs": final_obs, "_final_obs": mask, "final_info": final_info, "_final_info": mask}

    def _mask_of(self, rows: Array) -> Array:
        mask = np.zeros(self.num_envs, dtype=bool)
        mask[rows] = True
        return mask

    def _spread(self, rows: Array, totals: dict[str, Array]) -> dict[str, Array]:
        """Return (n,) arrays that hold `totals`, (k,) each, in `rows` and 0 elsewhere."""
        spread = {name: np.zeros(self.num_envs) for name in totals}
        for name, values in totals.items():
            spread[name][rows] = values
        return spread


def _as_autoreset_mode(mode: str | AutoresetMode) -> AutoresetMode:
    if isinstance(mode, AutoresetMode):
        return mode
    check_choice("autoreset_mode", mode, tuple(choice.name.lower() for choice in AutoresetMode))
    return AutoresetMode[mode.upper()]


def _info_of_moved(info: dict[str, Any], moved: Array) -> dict[str, Any]:
    """Return `info` with 0 in the copies that made no step, and gymnasium's masks of those that did."""
    if moved.all():
        return info

    def blank(values: Array) -> Array:
        return np.where(moved.reshape(-1, *[1] * (values.ndim - 1)), values, np.zeros(1, values.dtype))

    blanked = {
        name: {term: blank(part) for term, part in value.items()} if isinstance(value, dict) else blank(value)
        for name, value in info.items()
    }
    return blanked | {f"_{name}": moved.copy() for name in info}
