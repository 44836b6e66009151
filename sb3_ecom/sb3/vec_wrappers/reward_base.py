"""The SB3 wrapper that every reward rule gets."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvStepReturn, VecEnvWrapper

from sb3_ecom.core.arrays import Array
from sb3_ecom.sb3.vec_env import EcomVecEnv
from sb3_ecom.wrappers.rule import Names, RewardRule, Step
from sb3_ecom.wrappers.wrapper import (
    describe_wrapper,
    known_terms,
    noise_generator,
    number_names,
    read_report,
)


class RewardVecWrapper(VecEnvWrapper):
    """Applies a reward rule to all copies at once; name a subclass in rl-zoo's `vec_env_wrapper`.

    Works on `EcomVecEnv` (terms read in arrays) and on any other VecEnv whose infos hold what the rule
    reads. The arguments after `venv` are the rule's own. Observations and ``terminal_observation`` are never
    touched; ``info["episode"]`` keeps the environment's own return (put SB3's VecMonitor around this wrapper
    to record the new one).

    Attributes:
        last_step: the last step as this wrapper left it: terms and step_info of all copies, in arrays.

    Raises:
        ValueError: as the rule; at the first step on an unknown reward term, or without reward terms.
    """

    rule_type: ClassVar[type[RewardRule]]

    def __init_subclass__(cls, rule: type[RewardRule], **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        describe_wrapper(cls, rule, "venv")

    def __init__(self, venv: VecEnv, *args: Any, **kwargs: Any) -> None:
        given = inspect.signature(self.rule_type).bind(*args, **kwargs).arguments
        super().__init__(venv)
        known = known_terms(venv.get_attr("task", 0)[0] if venv.has_attr("task") else None)
        self.rule = self.rule_type(**given).for_env(venv.unwrapped.observation_space, known)
        self._name = self._find_name()
        self.last_step: Step | None = None
        self._state: Any = None
        self._fresh = True
        self._generator = noise_generator(self.rule, None)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed the environment and the rule's own random stream."""
        if seed is not None:
            self._generator = noise_generator(self.rule, seed)
        return self.venv.seed(seed)

    def reset(self) -> Any:
        """Start n new episodes."""
        observation = self.venv.reset()
        self.last_step = None
        blank = np.zeros(self.num_envs)
        if self._fresh:
            self._state, self._fresh = self.rule.start(observation, blank), False
        else:
            self._state = self.rule.restart(self._state, blank == 0, observation, blank)
        return observation

    def step_wait(self) -> VecEnvStepReturn:
        """Advance every copy by one step; the rewards are the rule's, a fresh float32 array."""
        observation, reward, done, infos = self.venv.step_wait()
        before = self._batch(observation, reward, done, infos)
        noise = self.rule.draw(self._generator, self.num_envs)
        self._state, after = self.rule.apply(self._state, before, noise)
        self.last_step = after
        if done.any():
            blank = np.zeros(self.num_envs)
            self._state = self.rule.restart(self._state, done, observation, blank)
        if self.rule.info_keys or after.terms is not before.terms:
            infos = self._new_infos(infos, before, after)
        return observation, np.array(after.reward, dtype=np.float32), done, infos

    def _find_name(self) -> str:
        spec = self.venv.get_attr("spec", 0)[0] if self.venv.has_attr("spec") else None
        return str(self.venv.unwrapped if spec is None else spec.id)

    def _batch(self, observation: Any, reward: Array, done: Array, infos: Sequence[dict[str, Any]]) -> Step:
        terms, step_info = self._read(infos)
        self.rule.check_terms(Names(tuple(terms), number_names(step_info)), self._name)
        rows = np.flatnonzero(done)
        truncated = np.zeros(self.num_envs, dtype=bool)
        for row in rows.tolist():
            truncated[row] = infos[row].get("TimeLimit.truncated", False)
        final = _in_same_episode(observation, rows, infos)
        return Step(
            np.asarray(reward, dtype=np.float64), terms, step_info, final, done & ~truncated, truncated
        )

    def _read(self, infos: Sequence[dict[str, Any]]) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
        """Return terms and step_info of all copies: in arrays where the layer below keeps them so."""
        below = _layer_below(self.venv)
        if below is not None:
            for name in self.rule.reads:
                if name not in below.step_info:
                    read_report(self.rule, [below.step_info], self._name)
            return below.terms, below.step_info
        terms = [info.get("reward_terms", {}) for info in infos]
        stacked = {name: np.asarray([term.get(name, np.nan) for term in terms]) for name in terms[0]}
        return stacked, read_report(self.rule, infos, self._name)

    def _new_infos(self, infos: Sequence[dict[str, Any]], before: Step, after: Step) -> list[dict[str, Any]]:
        """Return new infos: copies that go on may share one, so none is changed in place."""
        new_infos = []
        replaced = after.terms is not before.terms
        for row, info in enumerate(infos):
            added: dict[str, Any] = {name: after.step_info[name][row] for name in self.rule.info_keys}
            if replaced and "reward_terms" in info:
                added["reward_terms"] = {name: float(term[row]) for name, term in after.terms.items()}
            new_infos.append({**info, **added} if added else info)
        return new_infos


def _layer_below(venv: VecEnv) -> Any:
    """Return what the nearest reward wrapper or EcomVecEnv below keeps of the last step, or None."""
    while not isinstance(venv, RewardVecWrapper | EcomVecEnv):
        if not isinstance(venv, VecEnvWrapper):
            return None
        venv = venv.venv
    return venv.last if isinstance(venv, EcomVecEnv) else venv.last_step


def _in_same_episode(observation: Any, rows: Array, infos: Sequence[dict[str, Any]]) -> Any:
    """Return the observations with those of ended episodes in place of the new episodes'."""
    if not rows.size:
        return observation
    if isinstance(observation, dict):
        finals = {name: value.copy() for name, value in observation.items()}
        for row in rows:
            for name, value in infos[row]["terminal_observation"].items():
                finals[name][row] = value
        return finals
    final = observation.copy()
    for row in rows:
        final[row] = infos[row]["terminal_observation"]
    return final
