"""A model that shifts a rule as a policy over the task's own observations."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.policies import ResidualRule
from sb3_ecom.core.residual import ResidualBox, ResidualSettings, find_rule, residual_space
from sb3_ecom.core.task import Task

#: The box stands by this path in saved models.
__all__ = ["ResidualBox", "ResidualPolicy", "ResidualRule", "ResidualSettings", "find_rule"]


class ResidualPolicy:
    """A model that shifts a rule, as a policy over the task's own observations, with SB3's `predict`.

    Args:
        model: what SB3 trained under `VecResidual`, or a `SavedPolicy` of it.
        task: what to act in.

    Raises:
        ValueError: if the model does not shift a rule, or one over other observations than this task's.
    """

    def __init__(self, model: Any, task: Task) -> None:
        space = getattr(getattr(model, "model", model), "observation_space", None)
        if not isinstance(space, ResidualBox):
            raise ValueError(f"model must shift a rule (VecResidual), its observations are {space}")
        self.model, self.rule = model, find_rule(task, space.settings)
        wanted = residual_space(task, self.rule, space.settings)
        self.settings = wanted.settings
        if wanted.layout != space.layout:
            raise ValueError(f"the model's observations are {space.layout}, this task's {wanted.layout}")

    def predict(self, observation: Array, deterministic: bool = True, **_: Any) -> tuple[Array, None]:
        """Return (actions, None)."""
        joined = np.concatenate([self.rule.features(observation), observation], axis=1)
        action, _state = self.model.predict(joined, deterministic=deterministic)
        return self.rule.act(action * self.settings.max_offset), None
