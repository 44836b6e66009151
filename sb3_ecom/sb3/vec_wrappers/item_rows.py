"""A VecEnv wrapper in which every item of every copy is an environment of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvStepReturn, VecEnvWrapper

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_number
from sb3_ecom.core.item_rows import ItemRows, RowSettings
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.moved_names import renamed_argument
from sb3_ecom.sb3.vec_env import EcomVecEnv
from sb3_ecom.sb3.vec_wrappers.replay import is_replay


class VecItemRows(VecEnvWrapper):
    """Shows SB3 every item of every copy as an environment of its own; for rl-zoo's `vec_env_wrapper`.

    One small network then serves all items, and each is paid for what itself brought about: a day of a shop
    of ten items is ten examples, not one. With a `rule` (a baseline that has offsets) an action offsets the
    rule's parameters of this item today, and 0 is the rule as it was tuned. With `twin` the same rule,
    untouched, keeps a second shop that meets the same customers and suppliers, and a row earns the
    difference: what chance did to both cancels (a control variate; the mean policy gradient stays). That
    difference depends on no more than what both shops did lately, so a critic has next to nothing to tell.

    A half-year counts once: ``info["episode"]``, with the copy's own return, is given to one of the copy's
    rows, another each time and the last first, which is the order in which SB3's `evaluate_policy` (and so
    EvalCallback) waits for them: `n_eval_episodes` are so many different half-years. SB3 and rl-zoo count
    rows as steps; rl-zoo divides ``--eval-freq`` and ``--save-freq`` by copies only, which `RowFrequencies`
    in the yml's ``callback`` puts right.

    A model so trained carries its settings in its observation space; `ItemRowPolicy`, `load_policy` and
    ``python -m sb3_ecom evaluate ID --model ZIP`` make it a policy over whole observations again.

    Args:
        venv: an `EcomVecEnv` (rl-zoo: ``--gym-packages sb3_ecom.fast``) of a task that reports
            ``item_reward``.
        rule: name of a baseline of the id that has offsets, or None: rows give the task's own actions.
        max_offset: offset at action 1, in the rule's own unit.
        team: share of the whole copy's reward in a row's, 0 (all selfish) to 1 (all alike). Items that
            compete for room need some: at 0 each takes what it can.
        twin: whether to take off what the rule earns (needs a rule); never where rl-zoo replays a model
            (`rl_zoo3.enjoy`), which sees copies as one environment each again, with their own reward.
        history: whether a row holds the item's past, or only what the context says of it.
        identity: whether a row says which item it is.
        stagger: spread the first truncation of the copies over the horizon.
        reach: old name of `max_offset`.

    Raises:
        ValueError: if `venv` is no EcomVecEnv, `team` is not in [0, 1], `twin` comes without a rule, the task
            reports no ``item_reward``, or as `ItemRows`.
    """

    def __init__(
        self,
        venv: VecEnv,
        *,
        rule: str | None = None,
        max_offset: float = 0.5,
        team: float = 0.5,
        twin: bool = False,
        history: bool = False,
        identity: bool = True,
        stagger: bool = True,
        reach: float | None = None,
    ) -> None:
        max_offset = renamed_argument("reach", reach, "max_offset", max_offset)
        if not isinstance(venv, EcomVecEnv):
            raise ValueError(
                f"venv must be an EcomVecEnv (make_vec_env, or rl-zoo with --gym-packages sb3_ecom.fast), "
                f"got {type(venv).__name__}"
            )
        check_number("team", team, low=0, high=1)
        if twin and rule is None:
            raise ValueError("twin=True needs a rule for the twin to follow")
        if "item_reward" not in venv.task.step_info_keys:
            raise ValueError(f"{type(venv.task).__name__} reports no item_reward")
        env_id = None if venv.spec is None else venv.spec.id
        self.rows = ItemRows(venv.task, RowSettings(env_id, rule, max_offset, history, identity))
        super().__init__(venv, self.rows.space, self.rows.action_space)
        self.team = team
        self._shop = venv
        venv.loop.stagger = stagger
        self.training = not is_replay()
        self._twin = StepLoop(venv.task, venv.num_envs, stagger=stagger) if twin and self.training else None
        self._observation: Array = None  # (n, d) observations of the copies
        self._twin_observation: Array = None
        self.num_envs = venv.num_envs * (self.rows.items if self.training else 1)
        self.reset_infos = [{} for _ in range(self.num_envs)]
        self._reported = np.zeros(
            venv.num_envs, dtype=np.int64
        )  # whole episodes of each copy since the reset

    def reset(self) -> Array:
        """Start n new episodes; return the rows."""
        self._reported[:] = 0
        twin = self._twin
        if twin is not None and twin.seeded is None and self._shop._seeds[0] is None:
            self._shop.seed(None)  # both must begin with the same streams
        seed = self._shop._seeds[0]
        self._observation = self._shop.reset()
        if twin is not None:
            self._twin_observation = twin.reset(seed)
        self.reset_infos = [{} for _ in range(self.num_envs)]
        return self.rows.cut(self._observation)

    def step_async(self, actions: Array) -> None:
        """Keep the copies' actions for `step_wait`."""
        self._shop.step_async(self.rows.act(self._observation, np.asarray(actions)))

    def step_wait(self) -> VecEnvStepReturn:
        """Advance every copy, and its twin, by one step."""
        self._observation, reward, done, infos = self._shop.step_wait()
        if not self.training:
            return self._replayed(reward, done, infos)
        last = self._shop.last
        if last is None:
            raise RuntimeError("step was called before reset: call reset() first")
        reward = last.step_info["item_reward"]
        if self._twin is not None and self.rows.rule is not None:
            other = self._twin.step(self.rows.rule(self._twin_observation))
            self._twin_observation = other.observation
            reward = reward - other.step_info["item_reward"]
        if self.team:
            reward = (1 - self.team) * reward + self.team * reward.sum(axis=1, keepdims=True)
        items = self.rows.items
        row_infos: list[dict[str, Any]] = [infos[0]] * self.num_envs
        if last.rows.size:
            running: dict[str, Any] = {"TimeLimit.truncated": False}
            row_infos = [running] * self.num_envs
            finals = self.rows.cut(last.final_observation).reshape(len(last.rows), items, -1)
            for row, final in zip(last.rows.tolist(), finals, strict=True):
                speaker = self._next_to_report(row) if "episode" in infos[row] else -1
                silent = {name: value for name, value in infos[row].items() if name != "episode"}
                for item in range(items):
                    info = infos[row] if item == speaker else silent
                    row_infos[row * items + item] = {**info, "terminal_observation": final[item]}
        return self.rows.cut(self._observation), _flat(reward), np.repeat(done, items), row_infos

    def _replayed(self, reward: Array, done: Array, infos: list[dict[str, Any]]) -> VecEnvStepReturn:
        """Return all rows, but rewards and ends of whole copies: what `rl_zoo3.enjoy` adds up."""
        for copy in np.flatnonzero(done).tolist():
            final = self.rows.cut(infos[copy]["terminal_observation"][None])
            infos[copy] = {**infos[copy], "terminal_observation": final}
        return self.rows.cut(self._observation), reward, done, infos

    def _next_to_report(self, copy: int) -> int:
        """Return which of a copy's rows reports the episode that ended."""
        before = int(self._reported[copy])
        self._reported[copy] = before + 1
        return int(self.rows.items) - 1 - before % int(self.rows.items)


def _flat(reward: Array) -> Array:
    return np.array(reward.reshape(-1), dtype=np.float32)  # SB3 adds to it in place
