"""The VecEnv in which SB3's algorithms learn on top of a rule."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvStepReturn, VecEnvWrapper

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.moved_names import renamed_argument
from sb3_ecom.core.residual import ResidualSettings, find_rule, residual_space, shift_space
from sb3_ecom.sb3.vec_env import EcomVecEnv
from sb3_ecom.sb3.vec_wrappers.expected_advantage import VecExpectedAdvantage
from sb3_ecom.sb3.vec_wrappers.replay import is_replay


class VecResidual(VecEnvWrapper):
    """Lets a learner add offsets to a baseline's actions; for rl-zoo's `vec_env_wrapper`.

    An action of 0 is the rule as it was tuned. The learner sees the rule's features (what it estimates
    and plans) before the observation. With `twin` the same rule, untouched, plays a second copy of everything
    that meets the same customers, and the reward is the difference: what chance did to both cancels (a
    control variate; the mean policy gradient stays), and training starts from 0.

    ``info["episode"]`` keeps the copy's own return. A model so trained carries its settings in its
    observation space; `ResidualPolicy`, `load_policy` and ``python -m sb3_ecom evaluate ID --model ZIP``
    make it a policy over the task's observations again. ``terminal_observation`` holds the features of the
    step before, since the rule computes none for a day that is over: use it with `TerminalHorizon`.

    Args:
        venv: an `EcomVecEnv` of one of our ids (rl-zoo: ``--gym-packages sb3_ecom.fast``), or a
            `VecExpectedAdvantage` of one, which needs no twin: it pays without the luck.
        rule: name of a baseline of the id that takes offsets (`ResidualRule`).
        max_offset: offset at action 1, in the rule's own unit.
        twin: whether to take off what the rule earns; never where rl-zoo replays a model (`rl_zoo3.enjoy`).
        reach: old name of `max_offset`.

    Raises:
        ValueError: if `venv` is no EcomVecEnv of a registered id, is paid in advantages and has a twin (which
            is paid by the task), or as `find_rule`.

    Source:
        T. Silver et al., "Residual policy learning" (2018); T. Johannink et al., "Residual reinforcement
        learning for robot control", ICRA 2019.
    """

    def __init__(
        self,
        venv: VecEnv,
        *,
        rule: str,
        max_offset: float = 0.5,
        twin: bool = True,
        reach: float | None = None,
    ) -> None:
        max_offset = renamed_argument("reach", reach, "max_offset", max_offset)
        own: Any = venv.venv if isinstance(venv, VecExpectedAdvantage) else venv
        if not isinstance(own, EcomVecEnv) or own.spec is None:
            raise ValueError(
                f"venv must be an EcomVecEnv of a registered id (make_vec_env, or rl-zoo with --gym-packages "
                f"sb3_ecom.fast), got {type(venv).__name__}"
            )
        if twin and own is not venv:
            raise ValueError("twin must be False on top of VecExpectedAdvantage, got True")
        twin = twin and not is_replay()
        settings = ResidualSettings(own.spec.id, rule, max_offset)
        self._rule = find_rule(own.task, settings)
        super().__init__(venv, residual_space(own.task, self._rule, settings), shift_space(self._rule))
        self._max_offset = max_offset
        self._own = own
        self._twin = StepLoop(own.task, own.num_envs, stagger=own.loop.stagger) if twin else None
        self._twin_rule = find_rule(own.task, settings)
        self._twin_observation: Array = None
        self._features: Array = None

    def reset(self) -> Array:
        """Start n new episodes; return features and observations."""
        twin, seed = self._twin, self._own._seeds[0]
        if twin is not None and twin.seeded is None and seed is None:
            self._own.seed(None)  # both must begin with the same streams
            seed = self._own._seeds[0]
        observation = self.venv.reset()
        if twin is not None:
            self._twin_observation = twin.reset(seed)
        return self._with_features(observation)

    def step_async(self, actions: Array) -> None:
        """Keep the rule's actions with the learner's offsets for `step_wait`."""
        self.venv.step_async(self._rule.act(np.asarray(actions) * self._max_offset))

    def step_wait(self) -> VecEnvStepReturn:
        """Advance every copy, and its twin, by one step."""
        observation, reward, done, infos = self.venv.step_wait()
        if self._twin is not None:
            self._twin_rule.features(self._twin_observation)
            other = self._twin.step(self._twin_rule.act(np.zeros((self.num_envs, self._rule.num_offsets))))
            self._twin_observation = other.observation
            reward = reward - other.reward
        for row in np.flatnonzero(done).tolist():
            final: Any = np.concatenate([self._features[row], infos[row]["terminal_observation"]])
            infos[row] = {**infos[row], "terminal_observation": final}
        return self._with_features(observation), np.asarray(reward, dtype=np.float32), done, infos

    def _with_features(self, observation: Array) -> Array:
        self._features = self._rule.features(observation)
        return np.concatenate([self._features, observation], axis=1)
