"""Features of the candidates in an observation (`LayoutBox.candidates`)."""

from __future__ import annotations

import math
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from sb3_ecom.core.checks import check_at_least
from sb3_ecom.core.item_spaces import Candidates
from sb3_ecom.core.spaces import candidates_of


def candidate_rows(observations: Tensor, candidates: Candidates) -> Tensor:
    """Return the (n, m, width) descriptions of the choices in (n, d) observations."""
    cut = candidates.start + candidates.choices * candidates.features
    rows = observations[:, candidates.start : cut].reshape(-1, candidates.choices, candidates.features)
    if not candidates.columns:
        return rows
    columns = observations[:, cut : candidates.stop].reshape(-1, candidates.columns, candidates.choices)
    return torch.cat([rows, columns.transpose(1, 2)], 2)


class WithoutCandidates(BaseFeaturesExtractor):
    """The observation less what describes the candidates: what is known of the user."""

    def __init__(self, observation_space: spaces.Space[Any]) -> None:
        size = math.prod(observation_space.shape or ())
        found = candidates_of(observation_space)
        self._cut = (size, size) if found is None else (found.start, found.stop)
        super().__init__(observation_space, size - self._cut[1] + self._cut[0])

    def forward(self, observations: Tensor) -> Tensor:
        """Return (n, d') of (n, d) observations."""
        flat = observations.flatten(1)
        start, stop = self._cut
        return torch.cat([flat[:, :start], flat[:, stop:]], 1)


class PooledCandidates(BaseFeaturesExtractor):
    """User features, beside the mean and the maximum over the candidates of a learned layer.

    The order of the candidates does not matter, and what is learned from one serves all.

    Args:
        observation_space: a `LayoutBox` with `candidates`.
        size: units of the layer, >= 1.

    Raises:
        ValueError: if the space has no candidates or `size` < 1.

    Source: Zaheer et al. 2017, Deep sets (arXiv:1703.06114), theorem 2.
    """

    def __init__(self, observation_space: spaces.Space[Any], size: int = 32) -> None:
        found = candidates_of(observation_space)
        if found is None:
            raise ValueError(
                f"observation space must be a LayoutBox with candidates, got {observation_space}"
            )
        check_at_least("size", size, 1, "unit")
        user = WithoutCandidates(observation_space)
        super().__init__(observation_space, user.features_dim + 2 * size)
        self._candidates, self.user = found, user
        self.layer = nn.Linear(found.width, size)

    def forward(self, observations: Tensor) -> Tensor:
        """Return (n, d' + 2 size) of (n, d) observations."""
        units = torch.tanh(self.layer(candidate_rows(observations, self._candidates)))
        return torch.cat([self.user(observations), units.mean(1), units.amax(1)], 1)
