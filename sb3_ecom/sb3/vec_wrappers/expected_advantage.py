"""Rewards replaced by their expected advantage under the simulator."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvStepReturn, VecEnvWrapper

from sb3_ecom.core.arrays import Array, tree_map
from sb3_ecom.core.checks import check_number
from sb3_ecom.core.single_env import EcomEnv
from sb3_ecom.core.task import AdvantageTask, ModelledTask
from sb3_ecom.sb3.vec_env import EcomVecEnv
from sb3_ecom.sb3.vec_wrappers.privileged_critic import PrivilegedCritic
from sb3_ecom.sb3.vec_wrappers.replay import is_replay


class VecExpectedAdvantage(VecEnvWrapper):
    """Replace each reward with its expected advantage under the simulator.

    Lowers variance; leaves the ranking of policies unchanged. Training only, as rl-zoo's `vec_env_wrapper`:
    the policy sees its observations only, and ``info["episode"]`` keeps the true return, which rl-zoo's
    evaluation and TensorBoard read. With ``training = False``, as under `rl_zoo3.enjoy`, it pays the
    environment's own reward.

    The simulator knows the chance of everything that may follow a step. The reward becomes the expectation of
    reward and discounted value of what follows, less the value of the state. Where the value is learned
    (`PrivilegedCritic`), it is that of the learner's own policy, and the learner needs neither lambda nor a
    critic of its own. An error of that value biases the gradient where lambda is 0, not only the baseline.
    The critic is not saved with the model; a resumed run (``-i``) learns it anew.

    Args:
        venv: of a task that has ``transition_model()``, and so learns the value of states: the sessions
            `EcomRec-v0`, `EcomRecSlate-v0`, `EcomRecSingle-v0` and `EcomRecLarge-v0`; or one that knows it,
            ``expected_advantage(discount)``: `EcomRecEvolution-v0` and `EcomRecCold-v0`. An `EcomVecEnv`
            (rl-zoo: ``--gym-packages sb3_ecom.fast``), or, slower, a DummyVecEnv of single environments.
        discount: the learner's gamma, in [0, 1].
        **critic: keywords of `PrivilegedCritic`, where the value is learned.

    Raises:
        ValueError: if the states of `venv` are not in this process, the task can not tell, `discount` is
            not in [0, 1], or a keyword of the critic is not allowed.

    Attributes:
        training: whether rewards are replaced; false where rl-zoo replays a model.
    """

    def __init__(self, venv: VecEnv, *, discount: float = 0.99, **critic: Any) -> None:
        check_number("discount", discount, low=0, high=1)
        self._envs = _single_envs(venv)
        task: Any = self._envs[0].task if self._envs else venv.task  # type: ignore[attr-defined]
        super().__init__(venv)
        self._critic, self._snapshot = make_critic(task, discount, critic), None
        self.training = not is_replay()

    def reset(self) -> Any:
        """Start n new episodes."""
        return self.venv.reset()

    def step_async(self, actions: Array) -> None:
        """Keep the actions, and the state that they meet."""
        if not self.training:
            self._snapshot = None
            self.venv.step_async(actions)
            return
        if self._envs:
            states = [env.loop.state for env in self._envs]
            state = tree_map(lambda *leaves: np.concatenate(leaves), *states)
        else:
            state = self.venv.loop.state  # type: ignore[attr-defined]
        self._snapshot = self._critic.snapshot(state)
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Advance every copy by one step."""
        observation, reward, done, infos = self.venv.step_wait()
        if self._snapshot is None:
            return observation, reward, done, infos
        if self._envs:
            step_info = {
                name: np.stack([info[name] for info in infos]) for name in self._envs[0].task.step_info_keys
            }
        else:
            step_info = self.venv.last.step_info  # type: ignore[attr-defined]
        return observation, self._critic(self._snapshot, step_info), done, infos


def make_critic(task: Any, discount: float, critic: dict[str, Any]) -> Any:
    """Return the expected advantages of a task: by a critic that learns, or by one that knows."""
    if isinstance(task, ModelledTask):
        return PrivilegedCritic(task.transition_model(), discount, **critic)
    if not isinstance(task, AdvantageTask):
        raise ValueError(f"{type(task).__name__} knows no expected advantage of a step")
    if critic:
        raise ValueError(f"{type(task).__name__} knows the value of its states, got {', '.join(critic)}")
    return task.expected_advantage(discount)


def _single_envs(venv: VecEnv) -> list[EcomEnv]:
    """Return the environments of a DummyVecEnv; none of an EcomVecEnv, which holds all copies as one."""
    if isinstance(venv, EcomVecEnv):
        return []
    envs = [env.unwrapped for env in venv.envs] if isinstance(venv, DummyVecEnv) else []
    found = [env for env in envs if isinstance(env, EcomEnv)]
    if not found or len(found) < len(envs):
        raise ValueError(
            f"venv must be an EcomVecEnv (make_vec_env, or rl-zoo with --gym-packages sb3_ecom.fast) or a "
            f"DummyVecEnv of our environments, got {type(venv).__name__}"
        )
    return found
