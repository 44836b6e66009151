"""Offsets to a rule: the learner's spaces, and its model as a policy of the task."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_above, check_choice
from sb3_ecom.core.origin import Origin
from sb3_ecom.core.policies import ResidualRule
from sb3_ecom.core.registry import spec
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Task


class ResidualSettings(NamedTuple):
    """Rule to be offset and the size of offsets; a saved model carries them in its space."""

    env_id: str  # whose baseline `rule` is
    rule: str
    max_offset: float  # offset at action 1, in the rule's own unit


class ResidualBox(LayoutBox):
    """The rule's notes before the task's observation; it knows its `settings`."""

    def __init__(
        self,
        layout: Layout,
        low: float,
        high: float,
        settings: ResidualSettings,
        origin: Origin | None = None,
    ) -> None:
        super().__init__(layout, low, high)
        self.settings = settings
        self.origin = origin


def find_rule(task: Task, settings: ResidualSettings) -> ResidualRule:
    """Return a fresh rule.

    Raises:
        ValueError: if the id has no baseline of that name, it can not be shifted, or `max_offset` is not > 0.
    """
    check_above("max_offset", settings.max_offset, 0)
    rule: ResidualRule = named_rule(task, settings.env_id, settings.rule, ResidualRule)
    return rule


def named_rule(task: Task, env_id: str, name: str, protocol: Any) -> Any:
    """Return a fresh baseline of an id that follows the `protocol` of rules with offsets.

    Raises:
        ValueError: if the id has no baseline of that name, or it can not be shifted.
    """
    baselines = spec(env_id).baselines
    check_choice("rule", name, baselines)
    rule = baselines[name](task)
    if not isinstance(rule, protocol):
        raise ValueError(f"rule {name!r} of {env_id} has no offsets to shift")
    return rule


def residual_space(task: Task, rule: ResidualRule, settings: ResidualSettings) -> ResidualBox:
    """Return the space of notes and observation; a layout counts the notes as context."""
    space = task.observation_space
    plain = Layout(context=int(space.shape[0]), steps=0, features=0)
    layout = space.layout if isinstance(space, LayoutBox) else plain
    layout = layout._replace(context=layout.context + rule.num_features)
    low, high = float(space.low.min()), float(space.high.max())
    origin = getattr(space, "origin", None)
    return ResidualBox(
        layout, min(low, -high), high, settings, origin
    )  # a note may be negative where no unit is


def shift_space(rule: ResidualRule) -> spaces.Box:
    """Return the space of the learner's actions."""
    return spaces.Box(-1.0, 1.0, (rule.num_offsets,), np.float32)


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
        self._model, self._settings = model, space.settings
        self._rule = find_rule(task, space.settings)
        wanted = residual_space(task, self._rule, space.settings)
        if wanted.layout != space.layout:
            raise ValueError(f"the model's observations are {space.layout}, this task's {wanted.layout}")

    def predict(self, observation: Array, deterministic: bool = True, **_: Any) -> tuple[Array, None]:
        """Return (actions, None)."""
        joined = np.concatenate([self._rule.features(observation), observation], axis=1)
        action, _state = self._model.predict(joined, deterministic=deterministic)
        return self._rule.act(action * self._settings.max_offset), None
