"""Heads that score items by what is known of them: of a catalogue, or of what can be chosen now."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from sb3_ecom.core.checks import check_above, check_at_least
from sb3_ecom.core.item_spaces import Candidates, Items
from sb3_ecom.core.spaces import candidates_of, items_of
from sb3_ecom.sb3.extractors.candidates import candidate_rows


class CatalogueHead(nn.Module):
    """Scores every item: logit_j = c (w(s) . x_j + b_j).

    w is linear in the policy's latent; x_j is a learned linear map of the item's features, plus a free
    embedding per item if asked for; b_j starts at the item's log popularity; the learned factor c > 0 says
    how surely the best items are shown.

    Args:
        latent_dim: floats of the policy's latent.
        items: the catalogue.
        item_dim: floats of x_j, >= 1.
        item_embedding: learn an embedding per item beside its features.
        sharpness: c at the start, > 0.

    Raises:
        ValueError: if `item_dim` < 1 or `sharpness` <= 0.
    """

    features: Tensor

    def __init__(
        self, latent_dim: int, items: Items, item_dim: int, item_embedding: bool, sharpness: float
    ) -> None:
        check_head(item_dim, sharpness)
        super().__init__()
        features = torch.as_tensor(np.asarray(items.features), dtype=torch.float32)
        popularity = torch.as_tensor(np.asarray(items.log_popularity), dtype=torch.float32)
        self.register_buffer("features", features.clone())
        # Parameters, not nn.Linear: SB3 would start them as small as the action layer, and x_j at nothing.
        self.project = nn.Parameter(nn.init.orthogonal_(torch.empty(features.shape[1], item_dim)))
        self.bias = nn.Parameter(popularity.clone())
        self.embedding = nn.Parameter(torch.zeros(len(features), item_dim)) if item_embedding else None
        self.weights = nn.Linear(latent_dim, item_dim)
        self.log_sharpness = nn.Parameter(torch.tensor(math.log(sharpness)))

    def forward(self, latent: Tensor, _: Tensor) -> Tensor:
        """Return (n, N) logits of (n, latent_dim) latents."""
        vectors = self.features @ self.project
        if self.embedding is not None:
            vectors = vectors + self.embedding
        # The factor goes into the short vectors: (n, N) logits are touched once.
        sharpness = self.log_sharpness.exp()
        return torch.addmm(sharpness * self.bias, sharpness * self.weights(latent), vectors.T)


class ItemVectors(nn.Module):
    """Vectors of the things that can be chosen: (P x_j, tanh(R x_j + r)) of their descriptions x_j.

    The value of an item need not be linear in its description. Of a catalogue, x_j are the features and the
    log popularity, and the vectors are the same for every observation.

    Args:
        choices: a catalogue, or where the observation describes what can be chosen now.
        item_dim: floats of P x_j, and of the tanh units, >= 1.
    """

    table: Tensor

    def __init__(self, choices: Candidates | Items, item_dim: int) -> None:
        super().__init__()
        self._candidates = choices if isinstance(choices, Candidates) else None
        table = (
            np.zeros((0, choices.width), np.float32) if isinstance(choices, Candidates) else _table(choices)
        )
        self.register_buffer("table", torch.as_tensor(table), persistent=False)
        # Parameters, not nn.Linear, as in `CatalogueHead`.
        self.project = nn.Parameter(nn.init.orthogonal_(torch.empty(table.shape[1], 2 * item_dim)))
        self.shift = nn.Parameter(torch.zeros(item_dim))
        self.width = 2 * item_dim

    def forward(self, observations: Tensor) -> Tensor:
        """Return (n, m, width) vectors, or (N, width) of a catalogue."""
        found = self._candidates
        rows = self.table if found is None else candidate_rows(observations, found)
        straight, bent = (rows @ self.project).chunk(2, -1)
        return torch.cat([straight, torch.tanh(bent + self.shift)], -1)


class CandidateHead(nn.Module):
    """Scores what can be chosen now: logit_j = c w(s) . z_j, with z_j the `ItemVectors`.

    w is linear in the policy's latent; at the start it is nearly nothing and all choices are alike.

    Args:
        latent_dim: floats of the policy's latent.
        candidates: where the descriptions stand.
        item_dim: see `ItemVectors`.
        sharpness: c at the start, > 0.

    Raises:
        ValueError: if `item_dim` < 1 or `sharpness` <= 0.
    """

    def __init__(self, latent_dim: int, candidates: Candidates, item_dim: int, sharpness: float) -> None:
        check_head(item_dim, sharpness)
        super().__init__()
        self.vectors = ItemVectors(candidates, item_dim)
        self.weights = nn.Linear(latent_dim, self.vectors.width)
        self.log_sharpness = nn.Parameter(torch.tensor(math.log(sharpness)))

    def forward(self, latent: Tensor, observations: Tensor) -> Tensor:
        """Return (n, m) logits of (n, latent_dim) latents and (n, d) observations."""
        weights = self.log_sharpness.exp() * self.weights(latent)
        logits: Tensor = (self.vectors(observations) @ weights[:, :, None])[..., 0]
        return logits


class ValueHead(nn.Module):
    """Values of every choice, k of each: q_kj = b_k(s) + w_k(s) . z_j, with z_j the `ItemVectors`.

    A choice that the observation marks as closed gets a lower value than all others.

    Args:
        latent_dim: floats of the latent.
        choices: a catalogue, or where the observation describes what can be chosen now.
        item_dim: see `ItemVectors`.
        outputs: k, >= 1: quantiles, or the mean alone.

    Raises:
        ValueError: if `item_dim` < 1.
    """

    def __init__(self, latent_dim: int, choices: Candidates | Items, item_dim: int, outputs: int = 1) -> None:
        check_head(item_dim, 1.0)
        super().__init__()
        self._closed = choices.closed if isinstance(choices, Items) else None
        self.vectors = ItemVectors(choices, item_dim)
        self.base = nn.Linear(latent_dim, outputs)
        self.weights = nn.Linear(latent_dim, outputs * self.vectors.width)

    def forward(self, latent: Tensor, observations: Tensor) -> Tensor:
        """Return (n, k, N) values of (n, latent_dim) latents and (n, d) observations."""
        weights = self.weights(latent).reshape(len(latent), -1, self.vectors.width)
        values: Tensor = self.base(latent)[:, :, None] + weights @ self.vectors(observations).mT
        if self._closed is None:
            return values
        least = values.detach().amin(2, keepdim=True) - 1.0
        return torch.where(observations[:, None, self._closed] > 0, least, values)


def find_choices(space: spaces.Space[Any], size: int, user: str) -> Candidates | Items:
    """Return what an observation space says of the `size` things that can be chosen.

    Args:
        space: of observations.
        size: number of choices in the action space.
        user: who asks, for the message.

    Raises:
        ValueError: if it says nothing, or of another number of things.
    """
    candidates, items = candidates_of(space), items_of(space)
    if isinstance(candidates, Candidates):
        if candidates.choices != size:
            raise ValueError(
                f"candidates must hold {size} choices as the action space does, got {candidates.choices}"
            )
        return candidates
    if not isinstance(items, Items):
        raise ValueError(
            f"observation space of {user} must be a LayoutBox with items or candidates, got {space}"
        )
    flags = None if items.closed is None else len(range(*items.closed.indices(math.prod(space.shape or ()))))
    for name, found in (
        ("items.features", len(items.features)),
        ("items.log_popularity", len(items.log_popularity)),
        ("items.closed", flags),
    ):
        if found is not None and found != size:
            raise ValueError(f"{name} must hold {size} items as the action space does, got {found}")
    return items


def _table(items: Items) -> Any:
    columns = [np.asarray(items.features), np.asarray(items.log_popularity)[:, None]]
    return np.concatenate(columns, 1).astype(np.float32)


def check_head(item_dim: int, sharpness: float) -> None:
    """Refuse sizes and factors that score nothing.

    Raises:
        ValueError: names the argument.
    """
    check_at_least("item_dim", item_dim, 1, "float")
    check_above("sharpness", sharpness, 0)
