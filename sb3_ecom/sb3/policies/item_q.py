"""DQN and QR-DQN whose values of items come from what is known of the items."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.qrdqn.policies import QRDQNPolicy, QuantileNetwork
from stable_baselines3.common.torch_layers import create_mlp
from stable_baselines3.common.type_aliases import PyTorchObs
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn

from sb3_ecom.core.item_spaces import Candidates, Items
from sb3_ecom.core.spaces import candidates_of
from sb3_ecom.sb3.extractors.candidates import PooledCandidates
from sb3_ecom.sb3.extractors.recurrent import LastClickExtractor
from sb3_ecom.sb3.policies.item_heads import ValueHead, find_choices


class _ItemValues(nn.Module):
    """A network of the state, and a `ValueHead` over what can be chosen."""

    def __init__(
        self,
        choices: Candidates | Items,
        widths: list[int],  # of the features, then of each layer
        activation_fn: type[nn.Module],
        item_dim: int,
        outputs: int,
    ) -> None:
        super().__init__()
        layers = create_mlp(widths[0], -1, widths[1:], activation_fn)
        self.trunk = nn.Sequential(*layers)
        self.head = ValueHead(widths[-1], choices, item_dim, outputs)

    def forward(self, features: Tensor, observations: Tensor) -> Tensor:
        """Return (n, outputs, N)."""
        values: Tensor = self.head(self.trunk(features), observations)
        return values


class ItemQNetwork(QNetwork):
    """Q(s, j) = b(s) + w(s) . z_j, z_j an item's vector; see `ValueHead`."""

    def __init__(self, *args: Any, item_dim: int = 16, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.q_net: Any = _ItemValues(
            find_choices(self.observation_space, int(self.action_space.n), "item values"),
            [self.features_dim, *self.net_arch],
            self.activation_fn,
            item_dim,
            1,
        )

    def forward(self, obs: PyTorchObs) -> Tensor:
        """Return (n, N) values."""
        values: Tensor = self.q_net(_features(self, obs), obs)[:, 0]
        return values


class ItemQuantileNetwork(QuantileNetwork):
    """Quantiles of the return, each a `ValueHead`'s output."""

    def __init__(self, *args: Any, item_dim: int = 16, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.quantile_net: Any = _ItemValues(
            find_choices(self.observation_space, int(self.action_space.n), "item values"),
            [self.features_dim, *self.net_arch],
            self.activation_fn,
            item_dim,
            self.n_quantiles,
        )

    def forward(self, obs: PyTorchObs) -> Tensor:
        """Return (n, quantiles, N) values."""
        values: Tensor = self.quantile_net(_features(self, obs), obs)
        return values


class _WithItems:
    """Base of both policies: the default extractor, and `item_dim` as an argument that is saved."""

    def __init__(
        self, observation_space: Any, action_space: Any, *args: Any, item_dim: int = 16, **kwargs: Any
    ) -> None:
        if not isinstance(action_space, spaces.Discrete) or action_space.start:
            raise ValueError(f"action space must be Discrete(N), got {action_space}")
        self.item_dim = item_dim
        described = candidates_of(observation_space) is not None
        kwargs.setdefault("features_extractor_class", PooledCandidates if described else LastClickExtractor)
        super().__init__(observation_space, action_space, *args, **kwargs)  # type: ignore[call-arg]

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own: dict[str, Any] = super()._get_constructor_parameters()  # type: ignore[misc]
        return own | {"item_dim": self.item_dim}


class ItemDQNPolicy(_WithItems, DQNPolicy):  # type: ignore[misc]
    """For DQN on Discrete(N): what is learned from one item serves all like it.

    What an item is comes from the observation space (`LayoutBox.candidates`, else `LayoutBox.items`). The
    default extractor reads the pooled candidates, or the last click. In rl-zoo's yml:
    ``policy: sb3_ecom.sb3.policies.item_q.ItemDQNPolicy``.

    Args:
        observation_space: a `LayoutBox` with `items` or `candidates`.
        action_space: Discrete(N).
        *args: of `DQNPolicy`.
        item_dim: see `ItemVectors`, >= 1.
        **kwargs: of `DQNPolicy`.

    Raises:
        ValueError: if a space is not as above, or `item_dim` < 1.
    """

    def make_q_net(self) -> ItemQNetwork:
        """Build one network with an extractor of its own."""
        args = self._update_features_extractor(self.net_args, features_extractor=None)
        return ItemQNetwork(**args, item_dim=self.item_dim).to(self.device)


class ItemQRDQNPolicy(_WithItems, QRDQNPolicy):  # type: ignore[misc]
    """For QR-DQN on Discrete(N); arguments and errors as for `ItemDQNPolicy`."""

    def make_quantile_net(self) -> ItemQuantileNetwork:
        """Build one network with an extractor of its own."""
        args = self._update_features_extractor(self.net_args, features_extractor=None)
        return ItemQuantileNetwork(**args, item_dim=self.item_dim).to(self.device)


def _features(network: Any, obs: PyTorchObs) -> torch.Tensor:
    features: Tensor = network.extract_features(obs, network.features_extractor)
    return features
