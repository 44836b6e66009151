"""A flat Box that knows its layout: context first, then a left-padded history."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.item_spaces import Blocks, Candidates, Items
from sb3_ecom.core.origin import OriginBox


class Layout(NamedTuple):
    """Layout of a flat observation: ``context`` floats, then ``steps`` x ``features`` of history.

    The history is left-padded (newest step last) and feature 0 of every step is its validity: 1 where
    the step happened, 0 where it is padding.
    """

    context: int  # floats
    steps: int  # history steps, newest last
    features: int  # floats per step, feature 0 = validity

    @property
    def size(self) -> int:
        """Length of the flat observation."""
        return self.context + self.steps * self.features

    def split(self, observation: Array) -> tuple[Array, Array]:
        """Cut (..., size) into context (..., context) and history (..., steps, features)."""
        history = observation[..., self.context :]
        shape = (*history.shape[:-1], self.steps, self.features)
        return observation[..., : self.context], history.reshape(shape)


class LayoutBox(OriginBox):
    """A flat float32 Box with a `Layout`, so that a sequence extractor needs no further argument.

    SB3 and rl-zoo see an ordinary Box (a Dict would need another policy name than rl-zoo's default).

    Raises:
        ValueError: if a layout size is out of range.
    """

    def __init__(
        self,
        layout: Layout,
        low: float = -np.inf,
        high: float = np.inf,
        *,
        items: Items | None = None,
        blocks: Blocks | None = None,
        candidates: Candidates | None = None,
        **kwargs: Any,
    ) -> None:
        if layout.context < 0 or layout.steps < 0 or layout.features < 0 or layout.size < 1:
            raise ValueError(f"layout must hold at least one float and no negative size, got {layout}")
        super().__init__(low, high, shape=(layout.size,), dtype=np.float32, **kwargs)
        self.layout = layout
        if blocks is not None:
            for name, rest in (
                ("context", layout.context - blocks.shared),
                ("features", layout.features - 1),
            ):
                if rest < 0 or rest % blocks.items:
                    raise ValueError(f"layout.{name} must leave whole blocks of {blocks.items}, got {layout}")
        if candidates is not None and not 0 <= candidates.start < candidates.stop <= layout.context:
            raise ValueError(
                f"candidates must lie within the {layout.context} floats of context, got {candidates}"
            )
        self.items = items
        self.blocks = blocks
        self.candidates = candidates

    def __repr__(self) -> str:
        """Show the layout beside the bounds."""
        return f"LayoutBox({self.layout}, {self.low.min()}, {self.high.max()}){self._difference()}"


def layout_of(space: Any) -> Layout | None:
    """Return how a space's flat observation is cut, or None where it says nothing of it."""
    return space.layout if isinstance(space, LayoutBox) else None


def items_of(space: Any) -> Items | None:
    """Return the public catalogue that a space carries, or None."""
    return space.items if isinstance(space, LayoutBox) else None


def blocks_of(space: Any) -> Blocks | None:
    """Return which floats of a space belong to which item, or None."""
    return space.blocks if isinstance(space, LayoutBox) else None


def candidates_of(space: Any) -> Candidates | None:
    """Return where a space's context describes what can be chosen, or None."""
    return space.candidates if isinstance(space, LayoutBox) else None
