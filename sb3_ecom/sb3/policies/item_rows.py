"""A model of item rows as a policy over whole observations."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.item_rows import ItemRowBox, ItemRows, RowSettings
from sb3_ecom.core.task import Task

__all__ = ["ItemRowBox", "ItemRowPolicy", "ItemRows", "RowSettings"]  # the box: by this path in saved models


class ItemRowPolicy:
    """A model of rows as a policy over the task's own observations, with SB3's `predict`.

    Args:
        model: what SB3 trained under `VecItemRows`, or a `SavedPolicy` of it.
        task: what to act in; a shop of as many items as the model's, where rows say which item they are.

    Raises:
        ValueError: if the model's observations are no rows, or rows of another task.
    """

    def __init__(self, model: Any, task: Task) -> None:
        space = getattr(getattr(model, "model", model), "observation_space", None)
        if not isinstance(space, ItemRowBox):
            raise ValueError(f"model must be one of item rows (VecItemRows), its observations are {space}")
        self.model, self.rows = model, ItemRows(task, space.settings)
        if self.rows.space.layout != space.layout:
            raise ValueError(f"the model's rows are {space.layout}, this task's {self.rows.space.layout}")

    def predict(self, observation: Array, deterministic: bool = True, **_: Any) -> tuple[Array, None]:
        """Return (actions, None)."""
        action, _state = self.model.predict(self.rows.cut(observation), deterministic=deterministic)
        return self.rows.act(observation, action), None
