"""A VecEnv that pays what a step was worth before chance decided."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvStepReturn, VecEnvWrapper

from sb3_ecom.core.arrays import Array
from sb3_ecom.sb3.vec_env import EcomVecEnv


class VecExpectedGain(VecEnvWrapper):
    """Pays the expected gain of a step in place of its reward; for training, as rl-zoo's `vec_env_wrapper`.

    The simulator knows the chance of everything that may follow a step. The reward becomes the expectation
    of reward and discounted worth of what follows, less the worth of the state: an advantage without luck.
    Policies are ranked as before; the learner's own critic has next to nothing left to tell. It is the
    training that looks behind the counter: the policy sees its observations only, and
    ``info["episode"]`` keeps the true return.

    Args:
        venv: an `EcomVecEnv` (rl-zoo: ``--gym-packages sb3_ecom.fast``) of a task that has
            ``expected_gain(discount)``: the sessions `EcomRec-v0`, `EcomRecSlate-v0`, `EcomRecSingle-v0`.
        discount: the learner's gamma, in [0, 1].

    Raises:
        ValueError: if `venv` is no EcomVecEnv, the task can not tell, or `discount` is not in [0, 1].
    """

    def __init__(self, venv: VecEnv, *, discount: float = 0.99) -> None:
        if not isinstance(venv, EcomVecEnv):
            raise ValueError(
                f"venv must be an EcomVecEnv (make_vec_env, or rl-zoo with --gym-packages sb3_ecom.fast), "
                f"got {type(venv).__name__}"
            )
        if not 0 <= discount <= 1:
            raise ValueError(f"discount must be in [0, 1], got {discount}")
        make: Any = getattr(venv.task, "expected_gain", None)
        if make is None:
            raise ValueError(f"{type(venv.task).__name__} does not tell the expected gain of a step")
        super().__init__(venv)
        self._shop, self._gain, self._before = venv, make(discount), None

    def reset(self) -> Array:
        """Start n new episodes."""
        return self._shop.reset()

    def step_async(self, actions: Array) -> None:
        """Keep the actions, and the state that they meet."""
        self._before = self._gain.before(self._shop.loop.state)
        self._shop.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Advance every copy by one step."""
        observation, _, done, infos = self._shop.step_wait()
        last = self._shop.last
        if last is None:
            raise RuntimeError("step was called before reset: call reset() first")
        return observation, self._gain(self._before, last.report), done, infos
