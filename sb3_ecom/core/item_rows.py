"""Every item of every copy as a row of its own: many small examples, and an own reward for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_above
from sb3_ecom.core.origin import Origin
from sb3_ecom.core.policies import OffsetRule
from sb3_ecom.core.rules import build_rule, constants_of
from sb3_ecom.core.spaces import Layout, LayoutBox, blocks_of
from sb3_ecom.core.task import Task


class RowSettings(NamedTuple):
    """Settings of cutting observations and joining actions; a saved model carries them in its space."""

    env_id: str | None  # whose baseline `rule` is
    rule: str | None  # baseline whose offsets an action sets; None: the action is the task's own
    max_offset: float  # offset at action 1, in the rule's own unit
    history: bool  # whether a row holds the item's past
    identity: bool  # whether a row says which item it is
    constants: Mapping[str, Any] | None = None  # tuned ones of the rule, as JSON takes them; None: not kept


class ItemRowBox(LayoutBox):
    """The observation space of a row; it knows its `settings`."""

    def __init__(
        self, layout: Layout, low: float, high: float, settings: RowSettings, origin: Origin | None = None
    ) -> None:
        super().__init__(layout, low, high)
        self.settings = settings
        self.origin = origin


class ItemRows:
    """Cuts (n, d) observations of a task into (n N, w) rows and puts (n N, k) actions together again.

    A row holds what all items share, the item's own floats of the context, its line of the catalogue, which
    item it is, and its own past; the rows of a copy stand together. The task's observation must have blocks
    (`LayoutBox.blocks`).

    Raises:
        ValueError: if the observation has no blocks, the action is no Box of whole floats per item,
            `max_offset` is not > 0, or the rule is unknown or has no offsets.
    """

    def __init__(self, task: Task, settings: RowSettings) -> None:
        space = task.observation_space
        blocks = blocks_of(space)
        if not isinstance(space, LayoutBox) or blocks is None:
            raise ValueError(f"observation_space must be a LayoutBox that has blocks, got {space}")
        shape, items = task.action_space.shape, blocks.items
        if not isinstance(task.action_space, spaces.Box) or not shape or shape[0] % items:
            raise ValueError(
                f"action must be a Box of whole floats per item ({items}), got {task.action_space}"
            )
        check_above("max_offset", settings.max_offset, 0)
        self.rule = _find_rule(task, settings)
        self.settings = settings = settings._replace(constants=constants_of(self.rule))
        self.items, self._layout, self._shared = items, space.layout, blocks.shared
        parts = [blocks.catalogue, *([np.eye(items)] if settings.identity else [])]
        self._known = np.concatenate(parts, axis=1).astype(np.float32)
        self._own = (space.layout.context - blocks.shared) // items
        self._per_step = (space.layout.features - 1) // items
        steps = space.layout.steps if settings.history else 0
        layout = Layout(
            context=blocks.shared + self._own + self._known.shape[1],
            steps=steps,
            features=1 + self._per_step if steps else 0,
        )
        self.space = ItemRowBox(
            layout, float(space.low.min()), float(space.high.max()), settings, space.origin
        )
        num_offsets = shape[0] // items if self.rule is None else self.rule.num_offsets
        self.action_space = spaces.Box(-1.0, 1.0, (num_offsets,), np.float32)

    def cut(self, observation: Array) -> Array:
        """Return the (n N, w) float32 rows of (n, d) observations."""
        n, items, shared, own = len(observation), self.items, self._shared, self._own
        context, history = self._layout.split(observation)
        layout = self.space.layout
        rows = np.empty((n, items, layout.size), np.float32)
        rows[:, :, :shared] = context[:, None, :shared]
        blocks = context[:, shared:].reshape(n, own, items)
        rows[:, :, shared : shared + own] = blocks.transpose(0, 2, 1)
        rows[:, :, shared + own : layout.context] = self._known
        if layout.steps:
            past = np.empty((n, items, layout.steps, layout.features), np.float32)
            past[..., 0] = history[:, None, :, 0]
            blocks = history[:, :, 1:].reshape(n, layout.steps, self._per_step, items)
            past[..., 1:] = blocks.transpose(0, 3, 1, 2)
            rows[:, :, layout.context :] = past.reshape(n, items, -1)
        return rows.reshape(n * items, -1)

    def act(self, observation: Array, action: Array) -> Array:
        """Return the task's actions, (n, ...), for (n, d) observations and (n N, k) actions of their rows."""
        offsets = action.reshape(len(observation), self.items, -1).transpose(0, 2, 1)
        joint = np.ascontiguousarray(offsets.reshape(len(observation), -1))
        if self.rule is None:
            return joint
        return self.rule(observation, joint * self.settings.max_offset)


def _find_rule(task: Task, settings: RowSettings) -> OffsetRule | None:
    if settings.rule is None:
        return None
    if settings.env_id is None:
        raise ValueError(f"rule={settings.rule!r} belongs to an id: build the VecEnv with env_id")
    rule = build_rule(task, settings.env_id, settings.rule, settings.constants)
    if not isinstance(rule, OffsetRule):
        raise ValueError(f"rule {settings.rule!r} of {settings.env_id} has no offsets to shift")
    return rule
