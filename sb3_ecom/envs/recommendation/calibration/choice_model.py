"""The choice model of a click log as a torch module: its utilities and its normal priors.

An item's vectors are the sum of its category's vectors and its own departure from them, each with a normal
prior around 0; its quality has a normal prior around the log of its popularity. A strong prior on the
departures lets items that few visitors clicked behave as their category does: the usual partial pooling of
hierarchical models (Gelman and Hill, Data Analysis Using Regression and Multilevel Models, 2007).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from sb3_ecom.core.arrays import Array
from sb3_ecom.envs.recommendation.calibration.sessions import Sessions
from sb3_ecom.envs.recommendation.session.visitor import after_click, catalogue_logits, revisit_logits

_GATE_PRECISION = 1.0  # of every logit of retention
_GATE_MEANS = (
    -2.0,
    3.0,
)  # logits of retention, evenly spread over the parts: from the last click to the whole visit
SCALARS = ("reopen", "repeat")
_STARTS = {"reopen": -0.5, "repeat": 0.0}
_PSEUDO_CLICKS = 1.0  # added to each item's count where its popularity is taken


class Prior(NamedTuple):
    """Precisions of the normal priors; larger ones shrink more."""

    item: float  # of every entry of item factors and click updates, around the category's (or 0)
    category: float = np.inf  # of every entry of the category's vectors; inf: categories have none
    quality: float = 0.0  # of every quality around the log of the item's popularity

    def describe(self) -> str:
        """Return the prior in words, for a report."""
        centre = f"their category's (precision {self.category:g})" if np.isfinite(self.category) else "0"
        return (
            f"held-out sessions chose the shrinkage: item vectors to {centre} with precision {self.item:g}, "
            f"qualities to popularity with precision {self.quality:g}"
        )


def category_codes(sessions: Sessions) -> Array | None:
    """Return (N,) codes 0 .. G-1 of the categories, or None where these say nothing about the items."""
    if sessions.categories is None:
        return None
    names, codes = np.unique(np.asarray(sessions.categories), return_inverse=True)
    return codes.astype(np.int64) if 1 < len(names) < sessions.num_items else None


class ChoiceModel(nn.Module):
    """Utilities of a log's items; initial values come from torch's random state.

    Args:
        sessions: the log, for items, categories and popularity.
        parts: of the taste, D.
        prior: of vectors and qualities.
    """

    reopen: nn.Parameter
    repeat: nn.Parameter

    def __init__(self, sessions: Sessions, parts: int, prior: Prior) -> None:
        super().__init__()
        n, codes = sessions.num_items, category_codes(sessions)
        share = np.bincount(sessions.item, minlength=n) + _PSEUDO_CLICKS
        self._popularity = torch.tensor(np.log(share / share.mean()), dtype=torch.float32)
        self._precisions = precisions(prior)
        self._means = torch.linspace(*_GATE_MEANS, parts)
        self._category: torch.Tensor | None = None
        self.quality = nn.Parameter(self._popularity.clone())
        self.item_factors = nn.Parameter(0.15 * torch.randn(n, parts))
        self.click_update = nn.Parameter(0.15 * torch.randn(n, parts))
        self.gate = nn.Parameter(0.15 * torch.randn(n, parts))  # beside the means
        if codes is not None and np.isfinite(prior.category):
            self._category, groups = torch.from_numpy(codes), int(codes.max()) + 1
            self.category_factors = nn.Parameter(0.15 * torch.randn(groups, parts))
            self.category_update = nn.Parameter(0.15 * torch.randn(groups, parts))
            self.category_gate = nn.Parameter(torch.zeros(groups, parts))
        for name in SCALARS:
            setattr(self, name, nn.Parameter(torch.tensor(_STARTS[name])))

    def _pooled(self, own: torch.Tensor, name: str) -> torch.Tensor:
        """Return the items' own (N, D) values plus those of their categories, if these have any."""
        return own if self._category is None else own + getattr(self, name)[self._category]

    def factors(self) -> torch.Tensor:
        """Return the (N, D) item factors."""
        return self._pooled(self.item_factors, "category_factors")

    def update(self) -> torch.Tensor:
        """Return the (N, D) click updates."""
        return self._pooled(self.click_update, "category_update")

    def retention(self) -> torch.Tensor:
        """Return the (N, D) shares of the taste that a click leaves."""
        return torch.sigmoid(self._pooled(self._means + self.gate, "category_gate"))

    def session_losses(self, padded: Array) -> torch.Tensor:
        """Return the (B,) negative log-likelihoods of (B, T) items, -1 where a session has ended."""
        items = torch.from_numpy(padded[:, :-1].astype(np.int64)).clamp_min(0)
        targets = torch.from_numpy(padded[:, 1:].astype(np.int64))
        logits: torch.Tensor = catalogue_logits(self.quality, self.taste(items), self.factors())
        last = torch.zeros_like(logits).scatter_(-1, items[..., None], 1.0)
        logits = revisit_logits(logits, last.cummax(1)[0], last, self.reopen, self.repeat)
        chosen = logits.gather(-1, targets.clamp_min(0)[..., None])[..., 0]
        return ((logits.logsumexp(-1) - chosen) * (targets >= 0)).sum(1)

    def taste(self, items: torch.Tensor) -> torch.Tensor:
        """Return the (B, T, D) taste after each click."""
        steps, kept = self.update()[items], self.retention()[items]
        found = [steps[:, 0]]
        for t in range(1, steps.shape[1]):
            found.append(after_click(kept[:, t], steps[:, t], found[-1]))
        return torch.stack(found, 1)

    def penalty(self) -> torch.Tensor:
        """Return minus the log density of the priors, but for a constant."""
        departure = self.quality - self.quality.mean() - self._popularity + self._popularity.mean()
        total = 0.5 * self._precisions["quality"] * departure.square().sum()
        for name, block in self.named_parameters():
            if name not in ("quality", *SCALARS):
                total = total + 0.5 * self._precisions[name] * block.square().sum()
        return total


def precisions(prior: Prior) -> dict[str, float]:
    """Return the prior precision of each entry of the module's arrays, by their names."""
    return {
        "quality": prior.quality,
        "item_factors": prior.item,
        "click_update": prior.item,
        "gate": _GATE_PRECISION,
        "category_factors": prior.category,
        "category_update": prior.category,
        "category_gate": _GATE_PRECISION,
    }
