"""Adapts the multiplier of a `ConstrainedReward` until its limit holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env.base_vec_env import VecEnvWrapper

from sb3_ecom.core.checks import check_above, check_at_least, check_whole
from sb3_ecom.sb3.vec_wrappers.rewards import VecConstrainedReward
from sb3_ecom.wrappers import Constrained, ConstrainedReward


class DualAscent(BaseCallback):
    """Raises the price of a limited term while the limit is broken, and lowers it while there is slack.

    At the end of a rollout that completes `min_steps`, with the measured violation v = used / base - limit
    (its sign turned for a lower limit): ``integral = max(0, integral + rate x v)`` and
    ``multiplier = max(0, integral + damping x v)``. With damping 0 this is plain dual ascent, which
    swings around the limit; the proportional part calms it. TensorBoard: ``ecom/constraint/<term>``
    (what is limited) and ``ecom/constraint/<term>/multiplier``.

    Works with `VecConstrainedReward` anywhere in the VecEnv, or with `ConstrainedReward` around each copy.

    Source: Tessler, Mankowitz & Mannor (2019), "Reward constrained policy optimization", ICLR (ascent);
    Stooke, Achiam & Abbeel (2020), "Responsive safety in reinforcement learning by PID Lagrangian methods",
    ICML (damping: its proportional part).

    Args:
        rate: change of the multiplier per unit of violation and update, > 0.
        damping: proportional part, multiplier per unit of violation, >= 0.
        min_steps: env steps (over all copies) that an update averages at least, >= 1.
        term: which constraint, where several are stacked; None takes the only one.

    Raises:
        ValueError: on a parameter out of bounds, or (in training) if no wrapper limits the term.
    """

    def __init__(
        self,
        rate: float = 0.05,
        damping: float = 0.0,
        min_steps: int = 1000,
        term: str | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(verbose)
        check_above("rate", rate, 0)
        check_at_least("damping", damping, 0)
        check_whole("min_steps", min_steps, 1)
        self.rate = rate
        self.damping = damping
        self.min_steps = min_steps
        self.term = term
        self.integral: float | None = None
        self.multiplier = 0.0
        self._wrapper: VecConstrainedReward | None = None
        self._rule: Constrained
        self._sums = np.zeros(2)
        self._steps = 0

    def _on_training_start(self) -> None:
        self._wrapper = self._find_wrapper()
        self._rule = self._wrapper.rule if self._wrapper is not None else self._inner_rule()
        if self.integral is None:
            self.integral = self.multiplier = self._rule.multiplier
        self._set_multiplier()

    def _on_step(self) -> bool:
        key = self._rule.key
        if self._wrapper is not None and self._wrapper.last_step is not None:
            self._sums += self._wrapper.last_step.step_info[key].sum(axis=0)
        else:
            self._sums += np.sum([info[key] for info in self.locals["infos"]], axis=0)
        self._steps += self.training_env.num_envs
        return True

    def _on_rollout_end(self) -> None:
        used, base = self._sums.tolist()
        if self._steps < self.min_steps or base <= 0:
            return
        value = used / base
        violation = (value - self._rule.limit) * (-1.0 if self._rule.at_least else 1.0)
        self.integral = max(0.0, (self.integral or 0.0) + self.rate * violation)
        self.multiplier = max(0.0, self.integral + self.damping * violation)
        self._set_multiplier()
        self.logger.record(f"ecom/constraint/{self._rule.term}", value)
        self.logger.record(f"ecom/constraint/{self._rule.term}/multiplier", self.multiplier)
        self._sums, self._steps = np.zeros(2), 0

    def _set_multiplier(self) -> None:
        multiplier = float(self.multiplier)
        if self._wrapper is not None:
            self._wrapper.set_multiplier(multiplier)
        else:
            self.training_env.env_method("set_multiplier", self._rule.term, multiplier)

    def _find_wrapper(self) -> VecConstrainedReward | None:
        venv: Any = self.training_env
        while isinstance(venv, VecEnvWrapper):
            if isinstance(venv, VecConstrainedReward) and self.term in (None, venv.rule.term):
                return venv
            venv = venv.venv
        return None

    def _inner_rule(self) -> Constrained:
        """Return the rule of the gymnasium wrapper around the first copy."""
        if self.training_env.env_is_wrapped(ConstrainedReward, 0)[0]:
            rules = self.training_env.env_method("constraints", indices=0)[0]
            for rule in rules:
                if self.term in (None, rule.term):
                    return rule  # type: ignore[no-any-return]
        raise ValueError(
            f"DualAscent needs a VecConstrainedReward or ConstrainedReward (term={self.term!r})"
            f" in the training environment, got {self.training_env}"
        )
