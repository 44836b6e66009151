"""The gymnasium wrapper that every reward rule gets."""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.single_env import EcomEnv
from sb3_ecom.core.task import Task
from sb3_ecom.wrappers.rule import Names, RewardRule, Step


class RewardWrapper(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Applies a reward rule to a single environment; name a subclass in rl-zoo's `env_wrapper`.

    The arguments after `env` are the rule's own. What the rule adds to the step_info stands in `info`;
    reward terms that it replaces are replaced there too. The observation is never touched.

    SB3's `make_vec_env` and rl-zoo put Monitor inside of this wrapper, so that ``rollout/ep_rew_mean`` and
    monitor.csv keep showing the environment's own reward.

    Raises:
        ValueError: as the rule; at the first step on an unknown reward term, or without reward terms.
    """

    rule_type: ClassVar[type[RewardRule]]

    def __init_subclass__(cls, rule: type[RewardRule], **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        describe_wrapper(cls, rule, "env")

    def __init__(self, env: gymnasium.Env[Any, Any], *args: Any, **kwargs: Any) -> None:
        given = inspect.signature(self.rule_type).bind(*args, **kwargs).arguments
        RecordConstructorArgs.__init__(self, **given)
        super().__init__(env)
        known = known_terms(env.unwrapped.task if isinstance(env.unwrapped, EcomEnv) else None)
        self.rule = self.rule_type(**given).for_env(env.unwrapped.observation_space, known)
        self._state: Any = None
        self._fresh = True
        self._generator = noise_generator(self.rule, None)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Start an episode; a seed restarts the rule's own random stream."""
        observation, info = self.env.reset(seed=seed, options=options)
        if seed is not None:
            self._generator = noise_generator(self.rule, seed)
        batch, blank = batch_of_one(observation), np.zeros(1)
        if self._fresh:
            self._state, self._fresh = self.rule.start(batch, blank), False
        else:
            self._state = self.rule.restart(self._state, np.ones(1, dtype=bool), batch, blank)
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Advance by one step; the reward is the rule's."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        before = self._batch(observation, reward, terminated, truncated, info)
        self._state, after = self.rule.apply(self._state, before, self.rule.draw(self._generator, 1))
        added = {name: value[0] for name, value in after.step_info.items() if name not in before.step_info}
        if after.terms is not before.terms:
            added["reward_terms"] = {name: float(term[0]) for name, term in after.terms.items()}
        return observation, float(after.reward[0]), terminated, truncated, {**info, **added}

    @property
    def _name(self) -> str:
        spec = self.env.spec
        return type(self.env.unwrapped).__name__ if spec is None else spec.id

    def _batch(self, observation: Any, reward: Any, terminated: Any, truncated: Any, info: Any) -> Step:
        terms = {name: np.asarray([term]) for name, term in info.get("reward_terms", {}).items()}
        step_info = read_report(self.rule, [info], self._name)
        self.rule.check_terms(Names(tuple(terms), tuple(step_info)), self._name)
        truncated = truncated and not terminated
        ended = np.asarray([bool(terminated)]), np.asarray([bool(truncated)])
        return Step(np.asarray([float(reward)]), terms, step_info, batch_of_one(observation), *ended)


def describe_wrapper(cls: Any, rule: type[RewardRule], wrapped: str) -> None:
    """Give a wrapper class its rule, and show the rule's arguments and text in its help."""
    cls.rule_type = rule
    cls.__doc__ = f"{inspect.cleandoc(cls.__doc__ or '')}\n\n{inspect.cleandoc(rule.__doc__ or '')}"
    first = inspect.Parameter(wrapped, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    cls.__signature__ = inspect.Signature([first, *inspect.signature(rule).parameters.values()])


def known_terms(task: Task | None) -> tuple[str, ...] | None:
    """Return the names of a task's reward terms (by stepping a copy of it once); None without a task."""
    if not isinstance(task, Task):
        return None
    loop = StepLoop(task, 1)
    loop.reset(0)
    action = np.asarray(deepcopy(task.action_space).sample())[None]  # the env's own stream must not move
    return tuple(loop.step(action).terms)


def number_names(step_info: Mapping[str, Array]) -> tuple[str, ...]:
    """Return the names of a report's (n,) entries: one number per copy."""
    return tuple(name for name, value in step_info.items() if np.ndim(value) == 1)


def noise_generator(rule: RewardRule, seed: int | None) -> np.random.Generator:
    """Return a stream of the rule's own, apart from the environment's and other rules' of one seed."""
    if seed is None:
        return np.random.default_rng()
    return np.random.default_rng([seed, zlib.crc32(type(rule).__name__.encode())])


def read_report(rule: RewardRule, infos: Any, source: str) -> dict[str, Array]:
    """Stack what the rule reads of n infos beside the terms: name -> (n, ...).

    Raises:
        ValueError: if an info lacks an entry.
    """
    for name in rule.reads:
        if any(name not in info for info in infos):
            raise ValueError(f"{source} gives no info[{name!r}], which {type(rule).__name__} reads")
    wanted = list(rule.reads)
    if rule.reads_numbers:
        wanted += [name for name in rule.needed_terms or () if np.ndim(infos[0].get(name, ())) == 0]
    return {name: np.stack([np.asarray(info[name]) for info in infos]) for name in wanted}


def batch_of_one(observation: Any) -> Any:
    """Return the observation (an array or a dict of arrays) with a leading axis of length 1."""
    if isinstance(observation, dict):
        return {name: np.asarray(value)[None] for name, value in observation.items()}
    return np.asarray(observation)[None]
