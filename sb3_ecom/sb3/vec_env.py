"""SB3's VecEnv straight on the step loop."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices, VecEnvStepReturn

from sb3_ecom.core.actions import check_actions
from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop, Transition
from sb3_ecom.core.registry import make_task
from sb3_ecom.core.rendering import check_render_mode
from sb3_ecom.core.single_env import EcomEnv
from sb3_ecom.core.task import MaskedTask, Task
from sb3_ecom.sb3.episode_log import EpisodeLog


class EcomVecEnv(VecEnv):
    """n copies of a task as one SB3 VecEnv, stepped together.

    What SB3 is owed: ``terminal_observation`` and ``TimeLimit.truncated`` where an episode ended, the
    observation of the new episode beside them, a fresh float32 reward array, and ``episode`` = {r, l, t}
    as Monitor gives, so that no VecMonitor is needed. The info of an ended episode also holds
    ``reward_terms`` (of its last step), ``episode_totals`` and the task's own report. An episode that
    `stagger` cut is no whole one: it has no ``episode`` and no row in the Monitor file, so that
    `evaluate_policy` and ``rollout/ep_rew_mean`` count whole episodes alone.

    All copies that go on share one info (SB3 reads nothing there; n dicts a step would cost more than the
    step). A callback or wrapper that wants the terms or the report of every copy reads `last`.

    `seed(s)` seeds the whole batch with `s` at the next reset. Attributes of the task are read and set for
    all copies at once (`get_attr`, `set_attr`, `env_method`): the copies are rows of one task.

    Args:
        task: what to simulate.
        num_envs: copies, >= 1.
        env_id: id shown in the Monitor file and found by `get_attr("spec")`.
        render_mode: "rgb_array", "ansi" or None.
        stagger: spread the first truncation of the copies over the horizon.
        log: where ended episodes are written.

    Attributes:
        last: the Transition of the last step: terms, report and totals of all copies, in arrays.

    Raises:
        ValueError: on `num_envs` < 1, an unknown render mode, or (in `step`) an action of the wrong shape,
            not finite or out of range.
    """

    def __init__(
        self,
        task: Task,
        num_envs: int,
        *,
        env_id: str | None = None,
        render_mode: str | None = None,
        stagger: bool = False,
        log: EpisodeLog | None = None,
    ) -> None:
        check_render_mode(render_mode, EcomEnv.metadata["render_modes"])
        self.loop = StepLoop(task, num_envs, keep_last_frame=render_mode is not None, stagger=stagger)
        self.task = self.loop.task
        self.spec = None if env_id is None else gymnasium.spec(env_id)
        self.render_mode = render_mode
        self.last: Transition | None = None
        self._log = EpisodeLog() if log is None else log
        self._actions: Array = None
        self._cut = np.zeros(num_envs, dtype=bool)  # copies whose first episode `stagger` makes shorter
        if isinstance(task, MaskedTask):
            self.action_masks = self._action_masks
        super().__init__(num_envs, task.observation_space, task.action_space)
        self.metadata["render_fps"] = EcomEnv.metadata["render_fps"]

    def reset(self) -> Array:
        """Start n new episodes; return (n, d) observations."""
        observation = self.loop.reset(self._seeds[0])
        self.last = None
        self._cut = self.loop.head_start > 0
        self.reset_infos = [{} for _ in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return observation

    def step_async(self, actions: Array) -> None:
        """Keep the (n, ...) actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Advance every copy by one step."""
        result = self.loop.step(check_actions(self.action_space, self._actions, self.num_envs))
        self.last = result
        infos: list[dict[str, Any]] = [{"TimeLimit.truncated": False}] * self.num_envs
        if result.rows.size:
            for row, info in zip(result.rows.tolist(), self._final_infos(result), strict=True):
                infos[row] = info
        reward = np.array(result.reward, dtype=np.float32)  # SB3 adds to it in place
        return result.observation, reward, result.terminated | result.truncated, infos

    def close(self) -> None:
        """Close the Monitor file."""
        self._log.close()

    def get_images(self) -> Sequence[Array | None]:
        """Return one (480, 640, 3) uint8 picture per copy (None where `render_mode` is not "rgb_array")."""
        if self.render_mode != "rgb_array":
            return [None] * self.num_envs
        if self.loop.last_frame is None:
            raise RuntimeError("render was called before reset: call reset() first")
        return [self.loop.render(row, "rgb_array") for row in range(self.num_envs)]

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of the task, or else of this VecEnv, once per copy asked for."""
        owner = self.task if hasattr(self.task, attr_name) else self
        return [getattr(owner, attr_name)] * len(self._rows(indices))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the task (or of this VecEnv where the task has none of that name).

        Raises:
            ValueError: if `indices` names only some of the copies.
        """
        if len(self._rows(indices)) != self.num_envs:
            raise ValueError(
                f"set_attr({attr_name!r}) reaches all {self.num_envs} copies, got indices {indices}"
            )
        setattr(self.task if hasattr(self.task, attr_name) else self, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call ``action_masks`` or ``render`` per copy; any other method is called once on the task."""
        rows = self._rows(indices)
        if method_name == "action_masks":
            masks = self._action_masks()
            return [masks[row] for row in rows]
        if method_name == "render":
            return [self._frame(row) for row in rows]
        return [getattr(self.task, method_name)(*method_args, **method_kwargs)] * len(rows)

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """Return whether each copy does the wrapper's job: true of Monitor, whose records are given."""
        return [wrapper_class is Monitor] * len(self._rows(indices))

    def _final_infos(self, result: Transition) -> list[dict[str, Any]]:
        """Build the infos of the episodes that ended, in the order of `result.rows`."""
        rows = result.rows
        terms, totals = _records(result.terms, rows), _records(result.totals)
        infos: list[dict[str, Any]] = [
            {
                "terminal_observation": observation,
                "TimeLimit.truncated": truncated,
                "reward_terms": last_terms,
                "episode_totals": sums,
            }
            for observation, truncated, last_terms, sums in zip(
                result.final_observation, result.truncated[rows].tolist(), terms, totals, strict=True
            )
        ]
        for name, values in result.step_info.items():
            for info, value in zip(infos, values[rows], strict=True):
                info[name] = value
        whole = np.flatnonzero(~self._cut[rows]).tolist()
        self._cut[rows] = False
        rewards, lengths = result.totals["reward"].tolist(), result.totals["length"].tolist()
        self._log.record([infos[i] for i in whole], [rewards[i] for i in whole], [lengths[i] for i in whole])
        return infos

    def _action_masks(self) -> Array:
        """Return (n, A) bool: which actions are allowed in the present state (`Task.action_masks`)."""
        return self.task.action_masks(self.loop.state)  # type: ignore[attr-defined]

    def _frame(self, row: int) -> Any:
        return None if self.render_mode is None else self.loop.render(row, self.render_mode)

    def _rows(self, indices: VecEnvIndices) -> list[int]:
        return list(self._get_indices(indices))


def _records(columns: Mapping[str, Array], rows: Any = slice(None)) -> list[dict[str, float]]:
    """Turn name -> (k,) columns into k dicts of floats."""
    table = np.stack([column[rows] for column in columns.values()], 1, dtype=np.float64).tolist()
    names = tuple(columns)
    return [dict(zip(names, values, strict=True)) for values in table]


def make_vec_env(
    env_id: str,
    n_envs: int = 1,
    seed: int | None = None,
    *,
    stagger: bool = False,
    render_mode: str | None = None,
    monitor_dir: str | None = None,
    filename: str = "0",
    **env_kwargs: Any,
) -> EcomVecEnv:
    """Build a batched VecEnv of one of our ids.

    Args:
        env_id: a registered id.
        n_envs: copies, >= 1.
        seed: of the batch, >= 0; None draws one.
        stagger: spread the first truncation of the copies over the horizon.
        render_mode: "rgb_array", "ansi" or None.
        monitor_dir: folder for ``<filename>.monitor.csv`` (rl-zoo's plot scripts read it), or None.
        filename: name of that file.
        **env_kwargs: as for ``gymnasium.make(env_id, ...)``, `max_episode_steps` among them.

    Raises:
        ValueError: on an unknown id or argument, or as `EcomVecEnv`.
    """
    task = make_task(env_id, **env_kwargs)
    log = None
    if monitor_dir is not None:
        os.makedirs(monitor_dir, exist_ok=True)
        log = EpisodeLog.to_file(os.path.join(monitor_dir, filename), env_id)
    venv = EcomVecEnv(task, n_envs, env_id=env_id, render_mode=render_mode, stagger=stagger, log=log)
    venv.seed(seed)
    return venv
