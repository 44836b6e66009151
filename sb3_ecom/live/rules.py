"""What stands between a task's observation and an exported graph: nothing, a shifted rule, or item rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.item_rows import ItemRows, RowSettings
from sb3_ecom.core.policies import RememberingRule
from sb3_ecom.core.residual import ResidualSettings, find_rule
from sb3_ecom.core.rules import check_constants
from sb3_ecom.core.task import Task

Kind = Literal["residual", "rows"]


class Adapter(Protocol):
    """Turns observations into the graph's inputs, and its outputs into the task's actions."""

    def inputs(self, observation: Array) -> Array:
        """Return the float32 inputs of the graph for (n, d) observations."""

    def actions(self, observation: Array, output: Array) -> Array:
        """Return the (n, ...) actions for the same observations and the graph's output."""

    def memory(self) -> dict[str, Any] | None:
        """Return what is remembered of the episode, as JSON takes it; None where it stays inside."""

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Take over a `memory`."""


class _Forgetful:
    """Remembers nothing of the episode."""

    def memory(self) -> dict[str, Any] | None:
        """Return nothing."""
        return {}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Do nothing."""


class Direct(_Forgetful):
    """The graph takes observations and gives actions."""

    def inputs(self, observation: Array) -> Array:
        """Return the observations."""
        return observation

    def actions(self, observation: Array, output: Array) -> Array:
        """Return the output."""
        return output


class Shifted:
    """The graph shifts a rule (`ResidualRule`), which may remember the episode so far.

    Raises:
        ValueError: if the rule is none of the id's that can be shifted, or its constants are of another task.
    """

    def __init__(self, task: Task, settings: ResidualSettings) -> None:
        check_constants(task, settings.env_id, settings.rule, settings.constants)
        self._rule, self._max_offset = find_rule(task, settings), settings.max_offset

    def inputs(self, observation: Array) -> Array:
        """Return the rule's features before the observations; the rule takes note of them."""
        return np.concatenate([self._rule.features(observation), observation], axis=1)

    def actions(self, observation: Array, output: Array) -> Array:
        """Return the actions of the rule, shifted by the output."""
        return self._rule.act(output * self._max_offset)

    def memory(self) -> dict[str, Any] | None:
        """Return the rule's memory as lists; None where it hands over none."""
        if not isinstance(self._rule, RememberingRule):
            return None
        return {name: np.asarray(part).tolist() for name, part in self._rule.memory().items()}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Take over the memory of such a rule."""
        assert isinstance(self._rule, RememberingRule)
        self._rule.recall({name: np.asarray(part) for name, part in memory.items()})


class Rows(_Forgetful):
    """The graph sees every item as a row, and offsets a rule's parameters where there is one.

    Raises:
        ValueError: as `ItemRows`, or if the rule's constants are of another task.
    """

    def __init__(self, task: Task, settings: RowSettings) -> None:
        if settings.env_id is not None and settings.rule is not None:
            check_constants(task, settings.env_id, settings.rule, settings.constants)
        self._rows = ItemRows(task, settings)

    def inputs(self, observation: Array) -> Array:
        """Return the rows of all items."""
        return self._rows.cut(observation)

    def actions(self, observation: Array, output: Array) -> Array:
        """Return whole actions, put together from those of the rows."""
        return self._rows.act(observation, output)


def make_adapter(task: Task, rule: Mapping[str, Any]) -> Adapter:
    """Return the adapter that a manifest's `rule` describes.

    Raises:
        ValueError: on a kind or field that is unknown, or as `Shifted` and `Rows`.
    """
    fields = {name: value for name, value in rule.items() if name != "kind"}
    try:
        if rule.get("kind") == "rows":
            return Rows(task, RowSettings(**fields))
        if rule.get("kind") == "residual":
            return Shifted(task, ResidualSettings(**fields))
    except TypeError as error:
        raise ValueError(f"the manifest's rule must hold the settings of its kind: {error}") from error
    raise ValueError(f"the kind of the manifest's rule must be residual or rows, got {rule.get('kind')!r}")


def describe_rule(settings: ResidualSettings | RowSettings) -> dict[str, Any]:
    """Return the manifest's `rule` for a model's settings."""
    kind: Kind = "rows" if isinstance(settings, RowSettings) else "residual"
    return {"kind": kind, **settings._asdict()}
