"""A saved model together with what it sees: plain observations, a rule's features, or item rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.feature_names import FeatureNames, names_of
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.residual import find_rule
from sb3_ecom.core.spaces import Layout, layout_of
from sb3_ecom.core.task import Task
from sb3_ecom.sb3.policies.item_rows import ItemRowPolicy
from sb3_ecom.sb3.policies.residual import ResidualPolicy


class ModelView:
    """Episodes of a task as the model in a saved policy sees them; as much of a VecEnv as explaining needs.

    Args:
        saved: what `load_policy` returned.
        task: that it acts in.
        copies: of the environment.
        seed: of the customers.
    """

    def __init__(self, saved: Any, task: Task, copies: int, seed: int) -> None:
        behind = saved.model if isinstance(saved, ItemRowPolicy | ResidualPolicy) else saved
        self.model = NormalizedModel(behind)
        self.action_space = self.model.action_space
        self._loop, self._seed = StepLoop(task, copies), seed
        self._see, self._act = _translation(saved, task)
        self.num_envs = copies * (saved.rows.items if isinstance(saved, ItemRowPolicy) else 1)
        self.names = _names(saved, task)
        self._observation: Array = None

    def reset(self) -> Array:
        """Start new episodes; return what the model sees."""
        self._observation = self._loop.reset(self._seed)
        return self._see(self._observation)

    def step(self, actions: Array) -> tuple[Array, None, None, None]:
        """Advance every copy by the model's actions; return what it sees then."""
        self._observation = self._loop.step(self._act(self._observation, np.asarray(actions))).observation
        return self._see(self._observation), None, None, None


class NormalizedModel:
    """A model of SB3 whose `predict` takes observations before their normalisation; else the model itself."""

    def __init__(self, saved: Any) -> None:
        self._saved = saved
        self.normalize = saved.normalize

    def __getattr__(self, name: str) -> Any:
        if name == "_saved":
            raise AttributeError(name)
        return getattr(self._saved.model, name)

    def predict(self, observation: Array, **kwargs: Any) -> tuple[Array, Any]:
        """Return (actions, state)."""
        found: tuple[Array, Any] = self._saved.predict(observation, **kwargs)
        return found


def _translation(saved: Any, task: Task) -> tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]:
    """Return how observations become the model's, and its actions the task's."""
    if isinstance(saved, ItemRowPolicy):
        return saved.rows.cut, saved.rows.act
    if isinstance(saved, ResidualPolicy):
        rule, size = find_rule(task, saved.settings), saved.settings.max_offset

        def see(observation: Array) -> Array:
            return np.concatenate([rule.features(observation), observation], axis=1)

        return see, lambda _, action: rule.act(action * size)
    return lambda observation: np.array(observation), lambda _, action: action


def _names(saved: Any, task: Task) -> FeatureNames:
    space = task.observation_space
    layout = layout_of(space) or Layout(int(np.prod(space.shape)), 0, 0)
    names = names_of(task, layout)
    if isinstance(saved, ResidualPolicy):
        rule, name = saved.rule, saved.settings.rule
        own = getattr(rule, "feature_names", None) or range(1, rule.num_features + 1)
        shifts = names.action if len(names.action) == rule.num_offsets else range(1, rule.num_offsets + 1)
        return names._replace(
            context=(*(f"{name}: {each}" for each in own), *names.context),
            action=tuple(f"{each}: offset to {name}" for each in shifts),
        )
    if isinstance(saved, ItemRowPolicy):
        return _row_names(saved, names)
    return names


def _row_names(saved: ItemRowPolicy, names: FeatureNames) -> FeatureNames:
    rows = saved.rows
    layout, settings = rows.space.layout, rows.settings
    items = names.items or tuple(f"item {number}" for number in range(rows.items))
    identity = tuple(f"it is {item}" for item in items) if settings.identity else ()
    row = names.row or tuple(f"context {index}" for index in range(layout.context - len(identity)))
    of = "" if settings.rule is None else f": offset to {settings.rule}"
    size = int(np.prod(rows.action_space.shape))
    action = names.row_action if len(names.row_action) == size else tuple(map(str, range(1, size + 1)))
    return FeatureNames(
        context=(*row, *identity),
        step=tuple(f"feature {index}" for index in range(layout.features)),
        event=names.event,
        action=tuple(f"{each}{of}" for each in action),
        items=items,
    )
