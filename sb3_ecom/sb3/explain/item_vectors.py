"""The learned vectors of items inside a policy: a look-up has no gradient, what it finds has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from sb3_ecom.sb3.explain.parts import acting_extractor
from sb3_ecom.sb3.extractors.last_item import LastItemEmbeddingExtractor
from sb3_ecom.sb3.extractors.recurrent import SequenceExtractor
from sb3_ecom.sb3.extractors.windows import cut


class ItemVectors:
    """Reads the item vectors of a policy's observations, and lets others stand in their place.

    Attributes:
        source: the module that looks them up, or None where the policy has none.
    """

    def __init__(self, model: Any) -> None:
        self._extractor = acting_extractor(model)
        extractor = self._extractor
        self.source: Any = None
        if isinstance(extractor, LastItemEmbeddingExtractor):
            self.source = extractor
        elif isinstance(extractor, SequenceExtractor):
            self.source = extractor.lookup

    def of(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors (n, steps, width) of observations (n, d), and the steps that have one (n, steps).

        The steps are those of the history; only the last one of a `LastItemEmbeddingExtractor`.
        """
        extractor = self._extractor
        with torch.no_grad():
            window = cut(inputs, extractor.layout, extractor.masked)
            if isinstance(extractor, LastItemEmbeddingExtractor):
                return extractor.vectors(window)[:, None], window.valid[:, -1:]
            return self.source.vectors(window.history, window.valid).flatten(2), window.valid

    def items(self, inputs: Tensor) -> Tensor:
        """Return (n,) int64: the item of the newest step, N where there is none or it is unknown."""
        extractor = self._extractor
        with torch.no_grad():
            window = cut(inputs, extractor.layout, extractor.masked)
            if isinstance(extractor, LastItemEmbeddingExtractor):
                return extractor.item(window)
            lookup = self.source
            ids = (window.history[:, -1, lookup.columns[0]] * lookup.scale).round()
            known = window.valid[:, -1] & (ids >= 0) & (ids < lookup.items)
            return torch.where(known, ids, float(lookup.items)).long()

    @contextmanager
    def replaced(self, vectors: Tensor) -> Iterator[None]:
        """Let (n, steps, width) vectors stand in the place of those looked up."""
        source = self.source
        if isinstance(source, LastItemEmbeddingExtractor):
            source.given = vectors[:, 0]
        else:
            source.given = vectors.reshape(*vectors.shape[:2], len(source.columns), -1)
        try:
            yield
        finally:
            source.given = None
