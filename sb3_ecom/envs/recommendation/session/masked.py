"""The session in which the agent names items: those already opened are closed, and it is told so."""

from __future__ import annotations

from sb3_ecom.core.arrays import Array, array_namespace
from sb3_ecom.core.tracker import State
from sb3_ecom.envs.recommendation.session.env import SessionTask


class NamedItemsTask(SessionTask):  # noqa: D101 - its docstring is the next line
    __doc__ = SessionTask.__doc__  # the same environment; only its closed items can be masked

    def action_masks(self, state: State) -> Array:
        """Return (n, K N) bool: the items that each slot may show, slot after slot.

        Opened items are closed. A repeat of an item on the same page leaves its slot empty too, but masks of
        single slots can not say so. Where every item has been opened, none is masked.
        """
        opened = state.tracked.opened
        xp = array_namespace(opened)
        allowed = ~opened | xp.all(opened, axis=1)[:, None]
        return xp.concat([allowed] * self.params.slate_size, axis=1)
