"""SlateQ: DQN for pages of K items, of which a user picks at most one."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, MaybeCallback, Schedule
from stable_baselines3.dqn.dqn import DQN
from torch import Tensor
from torch.nn import functional

from sb3_ecom.core.arrays import Array
from sb3_ecom.sb3.slateq.networks import SlateQPolicy, check_slates
from sb3_ecom.sb3.vec_env import EcomVecEnv

SelfSlateQ = TypeVar("SelfSlateQ", bound="SlateQ")


class SlateQ(DQN):
    """SB3's DQN with the value of a page taken apart: Q(s, A) = sum_i P(i | s, A) Q(s, i).

    The sum is over the page's items and picking nothing. Q(s, i) is learned from pages on which i was
    picked, towards r + gamma max_A' Q(s', A'); P is learned from what was picked, or given
    (`SlateQPolicy`'s `affinity`; the paper's simulations knew it). What is picked must be told: by the
    task's step_info (`EcomVecEnv.last`) or by ``clicked`` (and ``slate``, the page as it was shown) in the
    infos. Where several items of a page may be clicked, one of them at random counts as picked, so that
    the decomposition is an approximation.

    Squared error, not Huber's: means matter, as the end of an episode is rare and dear.

    Args:
        policy: "MlpPolicy" or a `SlateQPolicy` class.
        env: with MultiDiscrete([m] * K) actions.
        n_steps: of rewards before the target network's estimate. Longer ones see costs that show only at an
            episode's end, such as a hidden budget's.
        exploration_fraction: share of the training in which the share of random pages falls to its end.
        others: as for `DQN`; every copy draws a coin of its own whether it explores.

    Raises:
        ValueError: on another action space, or (in `learn`) an environment that does not tell clicks.

    Source: Ie et al. 2019, SlateQ (arXiv:1905.12767), equations 13 to 19 and section 4.
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {"MlpPolicy": SlateQPolicy}
    policy: SlateQPolicy  # type: ignore[assignment]

    def __init__(
        self,
        policy: str | type[SlateQPolicy],
        env: GymEnv | str,
        learning_rate: float | Schedule = 1e-3,
        buffer_size: int = 100_000,
        learning_starts: int = 2000,
        batch_size: int = 256,
        tau: float = 1.0,
        gamma: float = 0.99,
        train_freq: int | tuple[int, str] = 1,
        gradient_steps: int = 1,
        replay_buffer_class: type[ReplayBuffer] | None = None,
        replay_buffer_kwargs: dict[str, Any] | None = None,
        optimize_memory_usage: bool = False,
        n_steps: int = 1,
        target_update_interval: int = 2000,
        exploration_fraction: float = 0.3,
        exploration_initial_eps: float = 1.0,
        exploration_final_eps: float = 0.05,
        max_grad_norm: float = 10,
        stats_window_size: int = 100,
        tensorboard_log: str | None = None,
        policy_kwargs: dict[str, Any] | None = None,
        verbose: int = 0,
        seed: int | None = None,
        device: torch.device | str = "auto",
        _init_setup_model: bool = True,
    ) -> None:
        # Past DQN's own __init__, which takes Discrete actions only and adds the six fields below.
        OffPolicyAlgorithm.__init__(
            self,
            policy,
            env,
            learning_rate,
            buffer_size,
            learning_starts,
            batch_size,
            tau,
            gamma,
            train_freq,
            gradient_steps,
            replay_buffer_class=replay_buffer_class,
            replay_buffer_kwargs=replay_buffer_kwargs,
            optimize_memory_usage=optimize_memory_usage,
            n_steps=n_steps,
            policy_kwargs=policy_kwargs,
            stats_window_size=stats_window_size,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            device=device,
            seed=seed,
            sde_support=False,
            support_multi_env=True,
        )
        self.exploration_initial_eps = exploration_initial_eps
        self.exploration_final_eps = exploration_final_eps
        self.exploration_fraction = exploration_fraction
        self.target_update_interval = target_update_interval
        self.max_grad_norm = max_grad_norm
        self._n_calls, self.exploration_rate = 0, 0.0
        if _init_setup_model:
            self._setup_model()

    def _setup_model(self) -> None:
        check_slates(self.action_space)
        kept = self.replay_buffer
        super()._setup_model()
        self._generator = np.random.default_rng(self.seed)
        if kept is None:
            # A record is the page as shown and the slot that was picked, K for none.
            nvec = self.action_space.nvec  # type: ignore[attr-defined]
            assert self.replay_buffer_class is not None
            self.replay_buffer = self.replay_buffer_class(
                self.buffer_size,
                self.observation_space,
                spaces.MultiDiscrete([*nvec, len(nvec) + 1]),
                device=self.device,
                n_envs=self.n_envs,
                optimize_memory_usage=self.optimize_memory_usage,
                **self.replay_buffer_kwargs,
            )

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Fit values to targets and choices to clicks."""
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        losses = []
        for _ in range(gradient_steps):
            value_loss, click_loss = self._losses(batch_size)
            self.policy.optimizer.zero_grad()
            (value_loss + click_loss).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
            self.policy.optimizer.step()
            losses.append((value_loss.item(), click_loss.item()))
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        for name, value in zip(("value_loss", "click_loss"), np.mean(losses, 0), strict=True):
            self.logger.record(f"train/{name}", float(value))

    def _losses(self, batch_size: int) -> tuple[Tensor, Tensor]:
        data = self.replay_buffer.sample(batch_size, env=self._vec_normalize_env)  # type: ignore[union-attr]
        discounts = self.gamma if data.discounts is None else data.discounts[:, 0]
        with torch.no_grad():
            _, following = self.q_net_target.best(data.next_observations)  # type: ignore[operator]
            target = data.rewards[:, 0] + (1 - data.dones[:, 0]) * discounts * following
        choices, logits = self.q_net(data.observations)
        page, slot = data.actions[:, :-1], data.actions[:, -1:]
        shown = page.clamp(min=0)
        outcomes = torch.cat([choices.values.gather(1, shown), choices.null_value[:, None]], 1)
        error = (outcomes.gather(1, slot)[:, 0] - target) ** 2
        if not self.policy.q_net.null_item:  # pages without a pick teach nothing, and are worth nothing
            error = error * (slot[:, 0] < page.shape[1])
        if self.policy.q_net.clicks is None:
            return error.mean(), torch.zeros(())
        page_logits = logits.gather(1, shown).masked_fill(page < 0, float("-inf"))
        page_logits = torch.cat([page_logits, torch.zeros_like(page_logits[:, :1])], 1)
        return error.mean(), functional.cross_entropy(page_logits, slot[:, 0])

    def predict(
        self,
        observation: Any,
        state: tuple[Array, ...] | None = None,
        episode_start: Array | None = None,
        deterministic: bool = False,
    ) -> tuple[Array, tuple[Array, ...] | None]:
        """Return the best pages; unless `deterministic`, some of them are random pages without repeats."""
        action, state = self.policy.predict(observation, state, episode_start, deterministic)
        if not deterministic and self.exploration_rate > 0:
            explores = self._generator.random(action.shape[:-1]) < self.exploration_rate
            action = np.where(explores[..., None], self._random_pages(action.shape[:-1]), action)
        return action, state

    def _random_pages(self, shape: tuple[int, ...]) -> Array:
        nvec = self.action_space.nvec  # type: ignore[attr-defined]
        return self._generator.random((*shape, nvec[0])).argsort(-1)[..., : len(nvec)]

    def _store_transition(
        self,
        replay_buffer: ReplayBuffer,
        buffer_action: Array,
        new_obs: Any,
        reward: Array,
        dones: Array,
        infos: list[dict[str, Any]],
    ) -> None:
        record = self._record(buffer_action, infos)
        super()._store_transition(replay_buffer, record, new_obs, reward, dones, infos)

    def _record(self, action: Array, infos: list[dict[str, Any]]) -> Array:
        """Return (n, K + 1): the page as shown, -1 for an empty slot, and the slot picked, K for none."""
        venv = self.env.unwrapped  # type: ignore[union-attr]
        if isinstance(venv, EcomVecEnv) and venv.last is not None:
            step_info = venv.last.step_info
        else:
            names = [name for name in ("slate", "clicked") if infos and name in infos[0]]
            step_info = {name: np.stack([info[name] for info in infos]) for name in names}
        if "clicked" not in step_info:
            raise ValueError("SlateQ needs an environment that tells 'clicked' in its infos, got none")
        page = np.asarray(step_info.get("slate", action))
        clicked = np.asarray(step_info["clicked"])
        if clicked.ndim == 1:  # the item, -1 for none
            clicked = (page == clicked[:, None]) & (page >= 0)
        marks = clicked > 0
        slot = (self._generator.random(marks.shape) * marks).argmax(1)
        return np.column_stack([page, np.where(marks.any(1), slot, marks.shape[1])])

    def learn(
        self: SelfSlateQ,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int = 4,
        tb_log_name: str = "SlateQ",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> SelfSlateQ:
        """Train, as `DQN.learn` does."""
        return super().learn(
            total_timesteps, callback, log_interval, tb_log_name, reset_num_timesteps, progress_bar
        )

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "_generator"]
