"""Feature extractors that attend to the history, and show what they attended to."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor, nn

from sb3_ecom.core.checks import check_at_least
from sb3_ecom.sb3.extractors.recurrent import SequenceExtractor
from sb3_ecom.sb3.extractors.shared_windows import encode_by_length
from sb3_ecom.sb3.extractors.windows import Window

_NEVER = -1e9  # score of a step that must not be attended to; finite, so that no row becomes NaN


class AttendingExtractor(SequenceExtractor):
    """A sequence extractor with attention weights over the history.

    Attributes:
        keep_attention: keep the weights of every forward pass in `last_attention`. Off by default: they
            cost memory, and an exported net must not write to itself.
        last_attention: (n, heads, steps) weights of the newest step over the history, without gradient;
            each head's sum to 1, or to 0 for an empty window. None before the first kept pass.
    """

    keep_attention: bool = False
    last_attention: Tensor | None = None

    def encode(self, window: Window) -> Tensor:
        """Return the encoding (n, encoding_size)."""
        encoding, weights = self.attend(window)
        if self.keep_attention:
            self.last_attention = weights.detach()
        return encoding

    @abstractmethod
    def attend(self, window: Window) -> tuple[Tensor, Tensor]:
        """Return the encoding (n, encoding_size) and the weights (n, heads, steps) of the newest step."""


class AttentionExtractor(AttendingExtractor):
    """One learned query per head over the history: the fast one.

    A fixed query makes a linear map of the step of "query times key", and weighting before or after the
    map to values gives the same. So no key and no value is ever built: each head scores the steps as they
    stand (plus a learned number for the step's age), averages them, and one layer maps the averages to
    `units` tanh units. It can say which steps count, not how they interplay; for that take the LSTM, the
    GRU or the transformer.

    Args:
        observation_space: as for `SequenceExtractor`.
        units: of the encoding, >= 1.
        heads: queries, >= 1. They start with a bias for recent steps, each with another reach.
        **shared: `sequence`, `context_size`, `masked` and `item_ids` of `SequenceExtractor`.

    Raises:
        ValueError: if `heads` < 1, or as `SequenceExtractor`.

    Source: Bahdanau et al. (2015) for pooling by attention; the biases' start: Press et al. (2022), Train
        short, test long, section 3.
    """

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        units: int = 64,
        heads: int = 4,
        **shared: Any,
    ) -> None:
        check_at_least("heads", heads, 1)
        super().__init__(observation_space, units, **shared)
        self.query = nn.Linear(self.step_features, heads, bias=False)
        slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
        ages = torch.arange(self.layout.steps - 1, -1, -1.0)
        self.by_age = nn.Parameter(-slopes[:, None] * ages)
        self.values = nn.Linear(heads * self.step_features, units)

    def attend(self, window: Window) -> tuple[Tensor, Tensor]:
        """Return the encoding (n, units) and the weights (n, heads, steps)."""
        valid = window.valid[:, None, :]
        scores = self.query(window.history).transpose(1, 2) + self.by_age
        # The product makes an empty window's weights zero; elsewhere padding's are zero already.
        weights = torch.softmax(scores.masked_fill(~valid, _NEVER), 2) * valid
        pooled = weights @ window.history
        return torch.tanh(self.values(pooled.flatten(1))), weights


class TransformerExtractor(AttendingExtractor):
    """A causal pre-norm transformer over the history; the newest step's state is the encoding.

    Positions are learned and count back from the newest step. Only that step's state is read, so the last
    layer computes no other: of a single layer's work most is saved.

    Args:
        observation_space: as for `SequenceExtractor`.
        width: units of a step's state and of the encoding, >= 1, a multiple of `heads`.
        depth: layers, >= 1.
        heads: of each layer, >= 1.
        **shared: `sequence`, `context_size`, `masked` and `item_ids` of `SequenceExtractor`.

    Raises:
        ValueError: if a size is out of range, or as `SequenceExtractor`.

    Source: Vaswani et al. (2017); norms before the layers: Xiong et al. (2020), On layer normalization in
        the transformer architecture; self-attention over clicks: Kang and McAuley (2018), SASRec.
    """

    def __init__(
        self,
        observation_space: spaces.Space,  # type: ignore[type-arg]
        width: int = 64,
        depth: int = 1,
        heads: int = 4,
        **shared: Any,
    ) -> None:
        check_at_least("depth", depth, 1)
        check_at_least("heads", heads, 1)
        if width % heads:
            raise ValueError(f"width must be a multiple of heads={heads}, got {width}")
        super().__init__(observation_space, width, **shared)
        self.embed = nn.Linear(self.step_features, width)
        self.positions = nn.Parameter(0.02 * torch.randn(self.layout.steps, width))
        self.layers = nn.ModuleList(_Layer(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def encode(self, window: Window) -> Tensor:
        """Return the encoding (n, width); short windows are encoded without their padding."""
        if self.keep_attention:
            return super().encode(window)
        return encode_by_length(lambda part: self.attend(part)[0], window)

    def attend(self, window: Window) -> tuple[Tensor, Tensor]:
        """Return the encoding (n, width), zero for an empty window, and the last layer's weights."""
        steps = window.history.shape[1]
        ones = torch.ones(steps, steps, dtype=torch.bool, device=window.valid.device)
        blocked = ~window.valid[:, None, :] | ones.triu(1)  # (n, steps, steps): [asks, is asked]
        states = self.embed(window.history) + self.positions[-steps:]
        for layer in self.layers[:-1]:
            states, _ = layer(states, blocked, 0)
        newest, weights = self.layers[-1](states, blocked, steps - 1)
        alive = window.valid[:, -1:]
        return self.norm(newest[:, 0]) * alive, weights[:, :, 0] * alive[:, None]


class _Layer(nn.Module):
    """One pre-norm layer: self-attention, then a feed-forward net four times as wide."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.queries = nn.Linear(width, width)
        self.keys_values = nn.Linear(width, 2 * width)
        self.mix = nn.Linear(width, width)
        self.forward_net = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, states: Tensor, blocked: Tensor, first: int) -> tuple[Tensor, Tensor]:
        """Return the states of the steps from `first` on, and their weights (n, heads, asking, steps)."""
        normed = self.before_attention(states)
        asking = states[:, first:]
        queries = self._split(self.queries(normed[:, first:]))
        keys, values = self.keys_values(normed).chunk(2, 2)
        scores = queries @ self._split(keys).transpose(2, 3) * queries.shape[-1] ** -0.5
        weights = torch.softmax(scores.masked_fill(blocked[:, None, first:], _NEVER), 3)
        mixed = (weights @ self._split(values)).transpose(1, 2).flatten(2)
        asking = asking + self.mix(mixed)
        return asking + self.forward_net(asking), weights

    def _split(self, states: Tensor) -> Tensor:
        """Return (n, heads, steps, width / heads)."""
        n, steps, width = states.shape
        return states.reshape(n, steps, self.heads, width // self.heads).transpose(1, 2)
