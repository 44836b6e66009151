"""Offsets to a rule: the learner's spaces, and how observations and actions pass through the rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.checks import check_above
from sb3_ecom.core.origin import Origin
from sb3_ecom.core.policies import ResidualRule
from sb3_ecom.core.rules import build_rule, constants_of
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Task


class ResidualSettings(NamedTuple):
    """Rule to be offset and the size of offsets; a saved model carries them in its space."""

    env_id: str  # whose baseline `rule` is
    rule: str
    max_offset: float  # offset at action 1, in the rule's own unit
    constants: Mapping[str, Any] | None = None  # tuned ones of the rule, as JSON takes them; None: not kept


class ResidualBox(LayoutBox):
    """The rule's features before the task's observation; it knows its `settings`."""

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
    rule = build_rule(task, settings.env_id, settings.rule, settings.constants)
    if not isinstance(rule, ResidualRule):
        raise ValueError(f"rule {settings.rule!r} of {settings.env_id} has no offsets to shift")
    return rule


def residual_space(task: Task, rule: ResidualRule, settings: ResidualSettings) -> ResidualBox:
    """Return the space of features and observation; a layout counts the features as context."""
    space = task.observation_space
    plain = Layout(context=int(space.shape[0]), steps=0, features=0)
    layout = space.layout if isinstance(space, LayoutBox) else plain
    layout = layout._replace(context=layout.context + rule.num_features)
    low, high = float(space.low.min()), float(space.high.max())
    origin = getattr(space, "origin", None)
    settings = settings._replace(constants=constants_of(rule))
    # A feature may be negative where no unit is.
    return ResidualBox(layout, min(low, -high), high, settings, origin)


def shift_space(rule: ResidualRule) -> spaces.Box:
    """Return the space of the learner's actions."""
    return spaces.Box(-1.0, 1.0, (rule.num_offsets,), np.float32)
