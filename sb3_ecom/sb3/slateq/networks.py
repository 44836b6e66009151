"""Networks of SlateQ: the value of a page if an item is picked, and which item is picked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, create_mlp
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from stable_baselines3.dqn.policies import DQNPolicy
from torch import Tensor, nn

from sb3_ecom.core.checks import check_at_least, check_choice
from sb3_ecom.core.spaces import candidates_of, items_of
from sb3_ecom.sb3.extractors.candidates import WithoutCandidates, candidate_rows
from sb3_ecom.sb3.slateq.search import SEARCHES, Choices, slate_value

_MOST_LOGIT = 10.0  # keeps exp(logit) finite


class _Affinity(NamedTuple):
    """A choice model that is given: w_i = user . item + shift, w_0 = skip (RecSim's, which SlateQ knew)."""

    shift: float = 1.0
    skip: float = 2.0


class ItemHead(nn.Module):
    """A number for nothing, b(s), and for each item, b(s) + z(s) . (E x_i + e) + c . x_i."""

    def __init__(
        self, state_dim: int, item_features: int, item_dim: int, net_arch: list[int], act: type[nn.Module]
    ) -> None:
        super().__init__()
        self.trunk = nn.Sequential(*create_mlp(state_dim, 1 + item_dim, net_arch, act))
        self.items = nn.Linear(item_features, item_dim)
        self.bias = nn.Linear(item_features, 1, bias=False)

    def forward(self, state: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Return (n,) and (n, m) of (n, d) states and (m, f) or (n, m, f) items."""
        parts = self.trunk(state)
        nothing, taste = parts[:, 0], parts[:, 1:]
        vectors, bias = self.items(items), self.bias(items)[..., 0]
        if items.ndim == 2:
            return nothing, nothing[:, None] + torch.addmm(bias, taste, vectors.T)
        return nothing, nothing[:, None] + (vectors @ taste[:, :, None])[..., 0] + bias


class SlateQNetwork(BasePolicy):
    """Values Q(s, i) and Q(s, nothing), choice weights, and the slate that they make best."""

    action_space: spaces.MultiDiscrete

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.MultiDiscrete,
        features_extractor: BaseFeaturesExtractor,
        features_dim: int,
        net_arch: list[int],
        activation_fn: type[nn.Module],
        normalize_images: bool,
        item_dim: int,
        search: str,
        null_item: bool,
        affinity: _Affinity | None,
    ) -> None:
        super().__init__(
            observation_space,
            action_space,
            features_extractor=features_extractor,
            normalize_images=normalize_images,
        )
        self.size = len(action_space.nvec)
        self.search, self.null_item, self.affinity = SEARCHES[search], null_item, affinity
        self._candidates = candidates_of(observation_space)
        catalogue = items_of(observation_space)
        self._closed = None if catalogue is None else catalogue.closed
        table = _catalogue(catalogue, int(action_space.nvec[0]))
        width = table.shape[1] if self._candidates is None else self._candidates.width
        self.register_buffer("table", table, persistent=False)
        self.values = ItemHead(features_dim, width, item_dim, net_arch, activation_fn)
        self.clicks = None
        if affinity is None:
            self.clicks = ItemHead(features_dim, width, item_dim, net_arch, activation_fn)

    def forward(self, obs: Tensor) -> tuple[Choices, Tensor]:
        """Return what pages are made of, and (n, m) log-weights (of w_0 = 1) where clicks are learned.

        The values carry gradients, the weights do not: clicks are learned from the log-weights.
        """
        state = self.extract_features(obs, self.features_extractor)  # type: ignore[arg-type]
        items = self._items(obs)
        nothing, values = self.values(state, items)
        closed = None if self._closed is None else obs[:, self._closed] > 0
        if not self.null_item:
            nothing = torch.zeros_like(nothing)
        if self.clicks is None:
            weights, skip = self._given(obs, items)
            return Choices(weights, values, torch.full_like(nothing, skip), nothing, closed), weights.log()
        base, logits = self.clicks(state, items)
        logits = (logits - base[:, None]).clamp(-_MOST_LOGIT, _MOST_LOGIT)
        weights = logits.detach().exp()
        return Choices(weights, values, torch.ones_like(nothing), nothing, closed), logits

    def best(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """Return (n, K) best slates and their (n,) values."""
        choices, _ = self(obs)
        slate = self.search(choices, self.size)
        return slate, slate_value(choices, slate)

    def _predict(self, observation: PyTorchObs, deterministic: bool = True) -> Tensor:
        return self.best(observation)[0]  # type: ignore[arg-type]

    def _items(self, obs: Tensor) -> Tensor:
        if self._candidates is None:
            return self.table  # type: ignore[return-value]
        return candidate_rows(obs, self._candidates)

    def _given(self, obs: Tensor, items: Tensor) -> tuple[Tensor, float]:
        assert self._candidates is not None
        assert self.affinity is not None
        user = obs[:, : self._candidates.start]
        return (items @ user[:, :, None])[..., 0] + self.affinity.shift, self.affinity.skip


class SlateQPolicy(DQNPolicy):
    """Policy of `SlateQ`: a network, its target, and a search for the best slate.

    An item is described by the observation's `LayoutBox.candidates`, else by the catalogue in
    `LayoutBox.items`, else by its number alone.

    Args:
        observation_space: flat Box.
        action_space: MultiDiscrete([m] * K), K <= m.
        lr_schedule: as SB3's.
        item_dim: floats of an item's vector, >= 1.
        search: "exact", "greedy" or "top_k", see `slate_search`.
        null_item: a page on which nothing is picked has a value of its own, as in the paper; False values it
            at 0, as RecSim's published agent does.
        affinity: the choice model where it is given; None learns it from what was picked.
        **kwargs: as for `DQNPolicy`; the default extractor leaves out the candidates' rows.

    Raises:
        ValueError: if a space or an argument is not as above.
    """

    q_net: SlateQNetwork  # type: ignore[assignment]
    q_net_target: SlateQNetwork  # type: ignore[assignment]

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.MultiDiscrete,
        lr_schedule: Schedule,
        *,
        item_dim: int = 32,
        search: str = "exact",
        null_item: bool = True,
        affinity: _Affinity | tuple[float, float] | None = None,
        features_extractor_class: type[BaseFeaturesExtractor] = WithoutCandidates,
        **kwargs: Any,
    ) -> None:
        check_slates(action_space)
        check_at_least("item_dim", item_dim, 1, "float")
        check_choice("search", search, SEARCHES)
        if affinity is not None:
            affinity = _Affinity(*affinity)
            _check_affinity(observation_space, affinity)
        self.slate_args: dict[str, Any] = {
            "item_dim": item_dim,
            "search": search,
            "null_item": null_item,
            "affinity": affinity,
        }
        super().__init__(
            observation_space,
            action_space,  # type: ignore[arg-type]
            lr_schedule,
            features_extractor_class=features_extractor_class,
            **kwargs,
        )

    def make_q_net(self) -> SlateQNetwork:  # type: ignore[override]
        """Build one network with an extractor of its own."""
        args = self._update_features_extractor(self.net_args, features_extractor=None)
        return SlateQNetwork(**args, **self.slate_args).to(self.device)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return super()._get_constructor_parameters() | self.slate_args


def check_slates(space: spaces.Space[Any]) -> None:
    """Refuse any space but MultiDiscrete([m] * K) with K <= m.

    Raises:
        ValueError: names the space.
    """
    if not isinstance(space, spaces.MultiDiscrete) or space.nvec.ndim != 1 or np.ptp(space.nvec):
        raise ValueError(f"action space of SlateQ must be MultiDiscrete([m] * K), got {space}")
    if len(space.nvec) > space.nvec[0]:
        raise ValueError(f"slate size must be at most the {space.nvec[0]} choices, got {len(space.nvec)}")


def _check_affinity(space: spaces.Space[Any], affinity: _Affinity) -> None:
    found = candidates_of(space)
    if found is None or found.start != found.width:
        raise ValueError(
            "affinity needs an observation that opens with the user's floats, as many as a candidate has, "
            f"got candidates {found}"
        )
    if not (affinity.shift >= 1 and affinity.skip > 0):
        raise ValueError(f"affinity must have shift >= 1 and skip > 0, got {affinity}")


def _catalogue(catalogue: Any, size: int) -> Tensor:
    """Return (m, f) descriptions: features and popularity of a catalogue, else (m, m) one-hot."""
    if catalogue is None or len(catalogue.features) != size:
        return torch.eye(size)
    columns = [catalogue.features, catalogue.log_popularity[:, None]]
    return torch.as_tensor(np.concatenate(columns, 1), dtype=torch.float32)
