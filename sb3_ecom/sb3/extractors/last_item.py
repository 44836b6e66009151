"""Learned embeddings of the last clicked item."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor, nn

from sb3_ecom.core.checks import check_at_least
from sb3_ecom.core.spaces import items_of
from sb3_ecom.sb3.extractors.recurrent import LastClickExtractor
from sb3_ecom.sb3.extractors.windows import Window

_DIRECTIONS = 256  # drawn, of which the best is taken


class LastItemEmbeddingExtractor(LastClickExtractor):
    """Last-click features plus a learned embedding of the last clicked item.

    A few features of an item (embedding, price) say roughly what to show next; what follows a click is
    peculiar to the item. The item is recognised by its signs, ``observation_space.items.signs``, so
    the observation needs no id, and a copy of the catalogue's order no place in it.

    Args:
        observation_space: a `LayoutBox` whose items have signs: `EcomRec-v0`, `EcomRecSlate-v0`,
            `EcomRecSingle-v0`.
        vector_size: floats of an item's vector, >= 1.
        **shared: as for `SequenceExtractor`.

    Raises:
        ValueError: if the space has no signs, or `vector_size` < 1.
    """

    direction: Tensor
    bounds: Tensor
    order: Tensor
    given: Tensor | None = None  # (n, vector_size) in place of the vectors looked up, for explanations

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        vector_size: int = 16,
        **shared: Any,
    ) -> None:
        items = items_of(observation_space)
        signs = None if items is None else items.signs
        if signs is None:
            raise ValueError(
                f"observation space must be a LayoutBox whose items have signs, got {observation_space}"
            )
        check_at_least("vector_size", vector_size, 1, "float")
        super().__init__(observation_space, **shared)
        self._features_dim += vector_size
        self.columns = list(signs.columns)
        direction, codes = _separating_direction(torch.as_tensor(signs.values))
        codes, order = codes.sort()
        self.register_buffer("direction", direction, persistent=False)
        self.register_buffer("bounds", (codes[1:] + codes[:-1]) / 2, persistent=False)
        self.register_buffer("order", order, persistent=False)
        self.table = nn.Embedding(len(codes) + 1, vector_size)  # the last row: no item
        with torch.no_grad():
            nn.init.normal_(self.table.weight, std=0.3)
            self.table.weight[-1] = 0

    def encode(self, window: Window) -> Tensor:
        """Return the newest step and its item's vector; zeros where it is padding."""
        step = super().encode(window)
        vector = self.vectors(window) if self.given is None else self.given
        return torch.cat([step, vector * window.valid[:, -1:]], 1)

    def vectors(self, window: Window) -> Tensor:
        """Return (n, vector_size): the learned vector of the newest step's item."""
        found: Tensor = self.table(self.item(window))
        return found

    def item(self, window: Window) -> Tensor:
        """Return (n,) int64: the item of the newest step, N where it is padding.

        Signs that are none of the catalogue's give the item nearest along the separating direction.
        """
        code = window.history[:, -1, self.columns] @ self.direction
        nearest = self.order[torch.bucketize(code, self.bounds)]
        return torch.where(window.valid[:, -1], nearest, self.order.shape[0])


def _separating_direction(signs: Tensor) -> tuple[Tensor, Tensor]:
    """Return the (S,) direction that keeps (N, S) signs farthest apart, and the (N,) products with it.

    One product and a search tell N items as surely as N distances do, and cost a tenth.
    """
    directions = torch.randn(signs.shape[1], _DIRECTIONS, generator=torch.Generator().manual_seed(0))
    codes = signs @ directions
    if len(signs) == 1:
        return directions[:, 0], codes[:, 0]
    gap = codes.sort(0).values.diff(dim=0).min(0).values / codes.abs().max(0).values
    best = int(gap.argmax())
    return directions[:, best].contiguous(), codes[:, best]
