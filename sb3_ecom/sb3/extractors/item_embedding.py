"""Item ids in a history become vectors inside the extractor: a table looked up, never a one-hot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_above, check_at_least


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemEmbedding:
    """Says which features of a history step are item ids, and what stands for an item.

    Give it to any sequence extractor: ``features_extractor_kwargs=dict(item_ids=ItemEmbedding(items=500))``.
    Ids outside [0, items) share one more vector, that of the unknown item, so a catalogue may grow.

    Raises:
        ValueError: if a number is out of range or `vectors` has another shape.
    """

    items: int  # size N of the catalogue; ids are 0 .. N - 1
    columns: tuple[int, ...] = (1,)  # features of a step that hold an id; feature 0 is the validity
    size: int = 16  # floats of an item's vector, as the encoder sees it
    scale: float = 1.0  # id = round(feature * scale): N where the observation holds id / N
    vectors: Array | None = None  # (N, d) known vectors to start from, such as TextItemEncoder's
    trainable: bool = True  # false leaves `vectors` as they are; their map to `size` floats still learns

    def __post_init__(self) -> None:
        for name in ("items", "size"):
            check_at_least(name, getattr(self, name), 1)
        check_above("scale", self.scale, 0)
        if not self.columns or min(self.columns) < 0 or len(set(self.columns)) < len(self.columns):
            raise ValueError(f"columns must be different features >= 0 of a step, got {self.columns}")
        if self.vectors is not None and (np.ndim(self.vectors) != 2 or len(self.vectors) != self.items):
            raise ValueError(f"vectors must be ({self.items}, d), one row per item, got {self.vectors.shape}")
        if self.vectors is not None and not np.isfinite(self.vectors).all():
            raise ValueError("vectors must be finite, got NaN or infinity")

    def step_features(self, features: int) -> int:
        """Return the floats of a history step once its ids are vectors.

        Raises:
            ValueError: if a step has fewer than `features` floats.
        """
        if max(self.columns) >= features:
            raise ValueError(f"columns must be < {features}, the features of a step, got {self.columns}")
        return features + len(self.columns) * (self.size - 1)


class ItemLookup(nn.Module):
    """The table of an `ItemEmbedding`: the last row is the unknown item's.

    Args:
        ids: what to look up.
        features: floats of a history step, ids included.
    """

    others: Tensor
    given: Tensor | None = None  # (n, steps, columns, width) in place of those looked up, for explanations

    def __init__(self, ids: ItemEmbedding, features: int) -> None:
        super().__init__()
        self.items, self.scale, self.columns = ids.items, ids.scale, list(ids.columns)
        others = [column for column in range(features) if column not in ids.columns]
        self.register_buffer("others", torch.tensor(others, dtype=torch.long), persistent=False)
        width = ids.size if ids.vectors is None else ids.vectors.shape[1]
        self.table = nn.Embedding(ids.items + 1, width)
        self.project = nn.Linear(width, ids.size, bias=False) if width != ids.size else nn.Identity()
        with torch.no_grad():
            if ids.vectors is None:
                nn.init.normal_(self.table.weight, std=width**-0.5)  # of length 1: features are O(1)
            else:
                self.table.weight[:-1] = torch.as_tensor(np.asarray(ids.vectors), dtype=torch.float32)
                self.table.weight[-1] = self.table.weight[:-1].mean(0)
        self.table.weight.requires_grad_(ids.trainable)

    def forward(self, history: Tensor, valid: Tensor) -> Tensor:
        """Return (n, steps, features') of a history (n, steps, features): vectors first, then the rest."""
        found = self.vectors(history, valid) if self.given is None else self.given
        return torch.cat([self.project(found).flatten(2), history.index_select(2, self.others)], 2)

    def vectors(self, history: Tensor, valid: Tensor) -> Tensor:
        """Return (n, steps, columns, width): the table's vectors of the ids in a history."""
        ids = (history[..., self.columns] * self.scale).round()
        # Padding holds anything, NaN too: what is no id of the catalogue becomes the unknown item.
        known = valid[..., None] & (ids >= 0) & (ids < self.items)
        rows = torch.where(known, ids, float(self.items)).long()
        found: Tensor = self.table(rows)
        return found
