"""Callbacks for SB3 and for the ``callback:`` key of rl-zoo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib import RecurrentPPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Figure, HParam, TensorBoardOutputFormat
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from sb3_ecom.core.loop import Transition
from sb3_ecom.core.registry import Spec, specs
from sb3_ecom.core.spaces import items_of
from sb3_ecom.core.task import Task
from sb3_ecom.sb3.callbacks.dashboard import dashboard
from sb3_ecom.sb3.callbacks.episode_window import EpisodeWindow
from sb3_ecom.sb3.callbacks.history_figure import Moment, history_figure
from sb3_ecom.sb3.vec_env import EcomVecEnv

_MOMENTS = 256  # of the history over a run, evenly spaced


class EcomMetricsCallback(BaseCallback):
    """Logs ``ecom/*``: the task's metrics, return, session length, coverage, score and reward terms.

    Every metric is a ratio of sums over the last `window` finished episodes, from raw rewards, whatever
    VecNormalize or a reward wrapper makes of them on top. Works on EcomVecEnv (in arrays), DummyVecEnv
    and SubprocVecEnv (from the infos). To TensorBoard it also writes the hyperparameters, one figure,
    drawn whenever the history has doubled and at the end, and a layout of the Custom Scalars tab.

    ``ecom/score`` = (return - random) / (best known - random) of the id's Spec. It compares only for the
    id's default parameters and reward. ``ecom/coverage`` is the share of the catalogue that was shown
    while the window's episodes finished, where the task reports a ``slate``.

    Args:
        window: episodes, >= 1.
        catalogue_size: items; None reads it from the spaces, and without it ``ecom/items_shown`` is all.
        figure: draw the figure.
        verbose: as for every SB3 callback.

    Raises:
        ValueError: if `window` < 1, or (at the start of training) if the environment is not one of ours.
    """

    def __init__(
        self, window: int = 1000, catalogue_size: int | None = None, figure: bool = True, verbose: int = 0
    ) -> None:
        super().__init__(verbose)
        self.episodes = EpisodeWindow(window)
        self.catalogue_size = catalogue_size
        self.figure = figure
        self.history: list[Moment] = []
        self._terms: dict[str, float] = {}  # weighted sums since the last moment
        self._steps = 0  # env steps in them
        self._recorded = 0  # episodes finished at the last record
        self._drawn = 0  # moments at the last figure
        self._next_moment = 0  # timesteps
        self._seen: Transition | None = None

    def _on_training_start(self) -> None:
        venv = self.training_env
        if not venv.has_attr("task"):
            raise ValueError("EcomMetricsCallback needs an environment of sb3_ecom, got one without a task")
        self._task: Task = venv.get_attr("task", 0)[0]
        gym_spec = venv.get_attr("spec", 0)[0]
        self._spec: Spec | None = specs().get(gym_spec.id) if gym_spec is not None else None
        if self.catalogue_size is None:
            self.catalogue_size = catalogue_size(self._task)
        metrics = {"rollout/ep_rew_mean": 0.0, "ecom/return": 0.0}
        if self._spec is not None:
            metrics["ecom/score"] = 0.0
        self._to_tensorboard("hparams", HParam(self._hyperparameters(), metrics))
        terms = [name for name, weight in self._task.reward_weights.items() if weight]
        layout = dashboard([metric.name for metric in self._task.metrics], terms, self._spec is not None)
        for form in self._tensorboard():
            form.writer.add_custom_scalars(layout)

    def _on_step(self) -> bool:
        venv = self.training_env.unwrapped
        if isinstance(venv, EcomVecEnv):
            # ARS calls once per copy and step: one look at each transition is enough.
            if venv.last is not None and venv.last is not self._seen:
                self._seen = venv.last
                self._take_batch(venv.last)
        else:
            self._take_infos(self.locals.get("infos", ()))
        return True

    def _on_rollout_end(self) -> None:
        self._take_stats(getattr(self.training_env.unwrapped, "stats", None))
        if self.episodes.finished == self._recorded:
            return
        self._recorded = self.episodes.finished
        for name, value in self._metrics().items():
            self.logger.record(f"ecom/{name}", value)
        if self.num_timesteps >= self._next_moment:
            self._remember()

    def _on_training_end(self) -> None:
        if self.episodes.finished and (not self.history or self.history[-1].timesteps < self.num_timesteps):
            self._remember()
        if len(self.history) > self._drawn:  # rl-zoo calls this twice
            self._draw()

    def _remember(self) -> None:
        moment = Moment(self.num_timesteps, self._mean_terms(), self._metrics())
        self.history.append(moment)
        self._next_moment = self.num_timesteps + self.model._total_timesteps // _MOMENTS
        for name, value in moment.terms.items():
            self.logger.record(f"ecom/reward_terms/{name}", value)
        if len(self.history) >= max(32, 2 * self._drawn):
            self._draw()

    def _take_batch(self, last: Transition) -> None:
        self._add_terms({name: float(values.sum()) for name, values in last.terms.items()}, len(last.reward))
        if "slate" in last.step_info:
            self.episodes.show(last.step_info["slate"])
        if last.rows.size:
            self.episodes.add(last.totals)

    def _take_stats(self, stats: Any) -> None:
        """Add the sums of a rollout on a device (`sb3_ecom.sb3.device`); single episodes are not known."""
        if stats is None:
            return
        self._add_terms(stats.terms, stats.steps)
        if stats.episodes:
            count = min(stats.episodes, self.episodes.size)
            means = {name: np.full(count, total / stats.episodes) for name, total in stats.totals.items()}
            self.episodes.add(means)
        self.episodes.show(stats.items)

    def _take_infos(self, infos: Any) -> None:
        for info in infos:
            self._add_terms(info.get("reward_terms", {}), 1)
            if "slate" in info:
                self.episodes.show(info["slate"])
            if "episode_totals" in info:
                self.episodes.add({name: np.array([value]) for name, value in info["episode_totals"].items()})

    def _add_terms(self, sums: Mapping[str, float], steps: int) -> None:
        self._steps += steps
        for name, value in sums.items():
            weight = self._task.reward_weights.get(name, 0.0)
            if weight:
                self._terms[name] = self._terms.get(name, 0.0) + weight * value

    def _mean_terms(self) -> dict[str, float]:
        means = {name: value / max(self._steps, 1) for name, value in self._terms.items()}
        self._terms, self._steps = {}, 0
        return means

    def _metrics(self) -> dict[str, float]:
        found = self.episodes.metrics(self._task.metrics)
        if self._spec is not None:
            per = found["session_length"] if self._spec.criterion == "average" else 1.0
            found["score"] = self._spec.score(found["return"] / per)
        if self.episodes.items_shown:
            if self.catalogue_size:
                found["coverage"] = self.episodes.items_shown / self.catalogue_size
            else:
                found["items_shown"] = float(self.episodes.items_shown)
        first = [name for name in ("score", "return", "coverage") if name in found]
        return {name: found[name] for name in (*first, *found)}  # the figure has room for seven

    def _draw(self) -> None:
        self._drawn = len(self.history)
        if self.figure and self._tensorboard():
            self._to_tensorboard("ecom/history", Figure(history_figure(self.history), close=True))

    def _tensorboard(self) -> list[TensorBoardOutputFormat]:
        return [form for form in self.logger.output_formats if isinstance(form, TensorBoardOutputFormat)]

    def _to_tensorboard(self, key: str, value: Any) -> None:
        for form in self._tensorboard():
            form.write({key: value}, {key: ()}, self.num_timesteps)

    def _hyperparameters(self) -> dict[str, bool | str | float | None]:
        found: dict[str, bool | str | float | None] = {
            "algorithm": type(self.model).__name__,
            "policy": type(self.model.policy).__name__,
            "vec_env": type(self.training_env.unwrapped).__name__,
        }
        for name in _HYPERPARAMETERS:
            value = getattr(self.model, name, None)
            if callable(value):
                value = value(1.0)
            if isinstance(value, bool | int | float | str):
                found[name] = value
        return found


_HYPERPARAMETERS = (
    *("learning_rate", "gamma", "seed", "n_envs", "n_steps", "batch_size", "n_epochs", "gae_lambda"),
    *("clip_range", "ent_coef", "vf_coef", "max_grad_norm", "buffer_size", "tau", "learning_starts"),
    *("gradient_steps", "n_delta", "n_top", "delta_std", "target_kl"),
)


def catalogue_size(task: Task) -> int | None:
    """Return the number of items a task can show, where its spaces tell."""
    items = items_of(task.observation_space)
    if items is not None:
        return len(items.log_popularity)
    if isinstance(task.action_space, spaces.MultiDiscrete):
        return int(task.action_space.nvec.max())
    return None


class BatchedTimeoutBootstrap(BaseCallback):
    """Values all truncated episodes of a step in one batch, where SB3 would value them one by one.

    An episode cut by its horizon has a future that the reward does not show; SB3's on-policy algorithms
    add ``gamma * V(terminal observation)`` to its last reward, with one forward pass per episode. This
    adds the same amounts in one pass and clears ``TimeLimit.truncated``, so that SB3 adds nothing more.
    Put it last in the list of callbacks: after it, the flag is gone.

    For PPO, A2C, TRPO and MaskablePPO. Off-policy algorithms and ARS do not bootstrap so, RecurrentPPO's
    values need its state, and the device algorithms do the same by themselves: there it does nothing.
    """

    def _on_training_start(self) -> None:
        recurrent = isinstance(self.model, RecurrentPPO)
        does_so = getattr(self.model, "values_timeouts_in_batch", False)
        self._active = isinstance(self.model, OnPolicyAlgorithm) and not recurrent and not does_so

    def _on_step(self) -> bool:
        if not self._active:
            return True
        infos = self.locals["infos"]
        done = np.flatnonzero(self.locals["dones"])
        rows = [row for row in done.tolist() if infos[row].get("TimeLimit.truncated", False)]
        if not rows:
            return True
        observations = [infos[row]["terminal_observation"] for row in rows]
        stacked: Any
        if isinstance(observations[0], dict):
            stacked = {key: np.stack([part[key] for part in observations]) for key in observations[0]}
        else:
            stacked = np.stack(observations)
        policy = self.model.policy
        with torch.no_grad():
            tensor, _ = policy.obs_to_tensor(stacked)
            values = policy.predict_values(tensor)  # type: ignore[operator]
        self.locals["rewards"][rows] += self.model.gamma * values.cpu().numpy().ravel()  # type: ignore[attr-defined]
        for row in rows:
            infos[row]["TimeLimit.truncated"] = False
        return True


class TerminalHorizon(BaseCallback):
    """Credits nothing after an episode that its horizon cut: for tasks in which that is the truth.

    SB3 takes a truncated episode for one that would go on, and adds ``gamma * V(terminal observation)`` to
    its last reward. A day's budget or a campaign whose observation shows the time left has no tomorrow:
    there that value belongs to a state that never earns, and makes a learner save money for it. This clears
    ``TimeLimit.truncated`` before SB3 looks. With it, ``gamma: 1.0`` is well defined.

    For every algorithm that looks at that flag: PPO, A2C, TRPO and MaskablePPO, in place of
    `BatchedTimeoutBootstrap`, and off-policy ones, whose replay buffer then stores a true end.
    """

    def _on_step(self) -> bool:
        infos = self.locals["infos"]
        for row in np.flatnonzero(self.locals["dones"]).tolist():
            infos[row]["TimeLimit.truncated"] = False
        return True
