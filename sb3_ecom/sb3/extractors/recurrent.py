"""Feature extractors that read an observation as context and a history."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from sb3_ecom.core.spaces import Layout
from sb3_ecom.sb3.extractors.item_embedding import ItemEmbedding, ItemLookup
from sb3_ecom.sb3.extractors.shared_windows import encode_recurrent
from sb3_ecom.sb3.extractors.windows import Window, cut, find_layout


class SequenceExtractor(BaseFeaturesExtractor):
    """Base of all sequence extractors: the layout, the mask and the context's embedding.

    The observation is cut into a context (n, context) and a window of history (n, steps, features) that
    is padded on the left. A subclass encodes the window; the features are its encoding beside a small
    tanh embedding of the context. What stands in the padding cannot change them. Do not normalise the
    observations (``VecNormalize(norm_obs=True)``): that would move validity marks and ids.

    A subclass builds its net in `__init__` from `self.layout.steps` and `self.step_features`, and writes
    `encode`.

    Args:
        observation_space: a `LayoutBox`, a Dict with a history key, or a flat Box with `sequence`.
        encoding_size: units that `encode` returns.
        sequence: (steps, features) of the history that ends a flat Box; anything before it is context.
        context_size: units of the context's embedding; unused where there is no context.
        masked: feature 0 of a step is its validity; false for a window that has none (frame stacking).
        item_ids: which features of a step are item ids; `encode` sees vectors in their place.

    Raises:
        ValueError: if the space tells no layout, `sequence` or `item_ids` does not fit, or a size is < 1.
    """

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        encoding_size: int,
        *,
        sequence: tuple[int, int] | None = None,
        context_size: int = 16,
        masked: bool = True,
        item_ids: ItemEmbedding | None = None,
    ) -> None:
        if encoding_size < 1 or context_size < 1:
            raise ValueError(f"sizes must be >= 1 unit, got {encoding_size} and context_size={context_size}")
        layout = find_layout(observation_space, sequence)
        super().__init__(observation_space, encoding_size + (context_size if layout.context else 0))
        self.layout = layout
        self.masked = masked
        self.step_features = _step_features(layout, item_ids)
        self.lookup = None if item_ids is None else ItemLookup(item_ids, layout.features)
        self.context = nn.Linear(layout.context, context_size) if layout.context else None

    def forward(self, observations: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Return (n, features_dim) features of (n, d) observations."""
        window = self.window(observations)
        encoding = self.encode(window)
        if self.context is None:
            return encoding
        return torch.cat([encoding, torch.tanh(self.context(window.context))], 1)

    def window(self, observations: Tensor | Mapping[str, Tensor]) -> Window:
        """Return the observations cut, with vectors for item ids: what `encode` takes."""
        window = cut(observations, self.layout, self.masked)
        if self.lookup is None:
            return window
        return window._replace(history=self.lookup(window.history, window.valid))

    @abstractmethod
    def encode(self, window: Window) -> Tensor:
        """Return (n, encoding_size); rows without a valid step must not depend on the window's content."""


class _RecurrentExtractor(SequenceExtractor):
    """Base of the extractors of one recurrent layer, an attribute by its own name (`lstm`, `gru`)."""

    cell_type: ClassVar[type[nn.LSTM | nn.GRU]]

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        hidden_size: int = 64,
        **shared: Any,
    ) -> None:
        super().__init__(observation_space, hidden_size, **shared)
        self._name = self.cell_type.__name__.lower()
        self.add_module(self._name, self.cell_type(self.step_features, hidden_size, batch_first=True))

    def encode(self, window: Window) -> Tensor:
        """Return the hidden state (n, hidden_size) after the newest step; zero for an empty window."""
        return encode_recurrent(getattr(self, self._name), window)


class LSTMExtractor(_RecurrentExtractor):
    """One LSTM over the history; its state after the newest step is the encoding.

    64 units by default, as in the founding article. The state is zero before the first valid step.

    Args:
        observation_space: as for `SequenceExtractor`.
        hidden_size: units, >= 1.
        **shared: `sequence`, `context_size`, `masked` and `item_ids` of `SequenceExtractor`.

    Raises:
        ValueError: as `SequenceExtractor`.
    """

    cell_type = nn.LSTM


class GRUExtractor(_RecurrentExtractor):
    """One GRU over the history; its state after the newest step is the encoding.

    Three gates where the LSTM has four: a quarter fewer weights.

    Args:
        observation_space: as for `SequenceExtractor`.
        hidden_size: units, >= 1.
        **shared: `sequence`, `context_size`, `masked` and `item_ids` of `SequenceExtractor`.

    Raises:
        ValueError: as `SequenceExtractor`.

    Source: Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, section 2.3.
    """

    cell_type = nn.GRU


class LastClickExtractor(SequenceExtractor):
    """The newest history step as it stands, and the context: the memoryless reference.

    Args:
        observation_space: as for `SequenceExtractor`.
        **shared: `sequence`, `context_size`, `masked` and `item_ids` of `SequenceExtractor`.

    Raises:
        ValueError: as `SequenceExtractor`.
    """

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        **shared: Any,
    ) -> None:
        layout = find_layout(observation_space, shared.get("sequence"))
        super().__init__(observation_space, _step_features(layout, shared.get("item_ids")), **shared)

    def encode(self, window: Window) -> Tensor:
        """Return the newest step, zero where it is padding."""
        return window.history[:, -1] * window.valid[:, -1:]


def _step_features(layout: Layout, item_ids: ItemEmbedding | None) -> int:
    return layout.features if item_ids is None else item_ids.step_features(layout.features)
