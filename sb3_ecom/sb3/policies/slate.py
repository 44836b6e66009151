"""A policy that ranks items: slates without repeats for MultiDiscrete([N] * K), one item for Discrete(N)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.distributions import CategoricalDistribution
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import Tensor

from sb3_ecom.core.item_spaces import Candidates, Items
from sb3_ecom.sb3.extractors.candidates import PooledCandidates
from sb3_ecom.sb3.extractors.recurrent import LastClickExtractor
from sb3_ecom.sb3.policies.item_heads import CandidateHead, CatalogueHead, check_head, find_choices
from sb3_ecom.sb3.policies.sequence import EXTRACTORS, WithExtractor, with_extractor
from sb3_ecom.sb3.policies.slate_distribution import PlackettLuceSlate


class SlatePolicy(ActorCriticPolicy):
    """Actor-critic policy for slates and single items: Plackett-Luce over item scores (PPO, A2C, TRPO).

    What an item is comes from the observation space: from the descriptions of what can be chosen now
    (`LayoutBox.candidates`), else from the catalogue (`LayoutBox.items`). Items of it that the observation
    marks as closed are shown only where fewer than K others are left. In rl-zoo's yml:
    ``policy: sb3_ecom.sb3.policies.slate.SlatePolicy``; feature extractors and every other keyword of
    `ActorCriticPolicy` pass through.

    Args:
        observation_space: a `LayoutBox` with `items` or `candidates`.
        action_space: MultiDiscrete([N] * K), K <= N, or Discrete(N); N items or candidates.
        lr_schedule: as SB3's.
        item_dim: floats of an item's vector x_j, >= 1.
        item_embedding: learn an embedding per item of a catalogue beside its features.
        sharpness: factor of the logits at the start, > 0; above 1 the first slates follow popularity closer.
        **kwargs: as for `ActorCriticPolicy`.

    Raises:
        ValueError: if a space is not as above.
    """

    action_dist: PlackettLuceSlate

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        *args: Any,
        item_dim: int = 16,
        item_embedding: bool = False,
        sharpness: float = 1.0,
        **kwargs: Any,
    ) -> None:
        self.item_dim = item_dim
        self.item_embedding = item_embedding
        self.sharpness = sharpness
        check_head(item_dim, sharpness)
        self._slate_size, choices = _slate_size(action_space)
        self._choices = find_choices(observation_space, choices, "SlatePolicy")
        self._closed = self._choices.closed if isinstance(self._choices, Items) else None
        super().__init__(observation_space, action_space, lr_schedule, *args, **kwargs)

    def forward(self, obs: Tensor, deterministic: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Return (n, K) slates (or (n,) items), (n, 1) values and (n,) log-probabilities."""
        latent_pi, latent_vf = self._latents(obs)
        slates = self._distribution(latent_pi, obs)
        actions = slates.get_actions(deterministic=deterministic)
        log_prob = slates.log_prob(actions)
        return actions.reshape(-1, *self.action_space.shape), self.value_net(latent_vf), log_prob  # type: ignore[misc]

    def evaluate_actions(self, obs: PyTorchObs, actions: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return (n, 1) values, (n,) log-probabilities of the slates and (n,) entropy estimates.

        The entropy is estimated along the given slates: unbiased for the policy that drew them, close for
        its successors within PPO's clip, and almost free.
        """
        latent_pi, latent_vf = self._latents(obs)
        ranks = self._distribution(latent_pi, obs).distribution
        slates = actions.reshape(-1, self._slate_size)
        return self.value_net(latent_vf), *ranks.log_prob_and_entropy(slates)

    def get_distribution(self, obs: PyTorchObs) -> PlackettLuceSlate:
        """Return the distribution of slates given the observations."""
        features = BasePolicy.extract_features(self, obs, self.pi_features_extractor)
        latent_pi = self.mlp_extractor.forward_actor(features)
        return self._distribution(latent_pi, obs)

    def _latents(self, obs: PyTorchObs) -> tuple[Tensor, Tensor]:
        features = self.extract_features(obs)
        if isinstance(features, tuple):  # share_features_extractor=False
            actor, critic = features
            return self.mlp_extractor.forward_actor(actor), self.mlp_extractor.forward_critic(critic)
        latents: tuple[Tensor, Tensor] = self.mlp_extractor(features)
        return latents

    def _closed_items(self, obs: PyTorchObs) -> Tensor | None:
        """Return the (n, N) mask of closed items."""
        if self._closed is None:
            return None
        # Above 0, not 0.5: VecNormalize moves a flag's 1 to any positive and its 0 to any negative number.
        return obs[:, self._closed] > 0  # type: ignore[index]

    def _distribution(self, latent_pi: Tensor, obs: PyTorchObs) -> PlackettLuceSlate:
        return self.action_dist.proba_distribution(self.action_net(latent_pi, obs), self._closed_items(obs))

    def _build(self, lr_schedule: Schedule) -> None:
        # SB3 builds heads for its own distributions only: let it build a small one and put ours in its place.
        self.action_dist = CategoricalDistribution(1)  # type: ignore[assignment]
        super()._build(lr_schedule)
        self.action_dist = PlackettLuceSlate(self._slate_size)
        self.action_net = self._head(self.mlp_extractor.latent_dim_pi)
        if self.ortho_init:
            self.action_net.apply(partial(self.init_weights, gain=0.01))
        self.optimizer = self.optimizer_class(
            self.parameters(),
            lr=lr_schedule(1),  # type: ignore[call-arg]
            **self.optimizer_kwargs,
        )

    def _head(self, latent_dim: int) -> CandidateHead | CatalogueHead:
        if isinstance(self._choices, Candidates):
            return CandidateHead(latent_dim, self._choices, self.item_dim, self.sharpness)
        return CatalogueHead(latent_dim, self._choices, self.item_dim, self.item_embedding, self.sharpness)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {
            "item_dim": self.item_dim,
            "item_embedding": self.item_embedding,
            "sharpness": self.sharpness,
        }
        return super()._get_constructor_parameters() | own


class LastClickSlatePolicy(WithExtractor, SlatePolicy):  # type: ignore[misc]
    """Reads the last click and the context: quick to learn, the memoryless reference."""

    extractor = LastClickExtractor


class CandidateSlatePolicy(WithExtractor, SlatePolicy):  # type: ignore[misc]
    """Reads what is known of the user, and a pool of what can be chosen now."""

    extractor = PooledCandidates


for _prefix, (_extractor, _words) in EXTRACTORS.items():
    _name = f"{_prefix}SlatePolicy"
    _doc = f"`SlatePolicy` with {_words}."
    globals()[_name] = with_extractor(_name, SlatePolicy, _extractor, _doc, __name__)

#: Names of the slate policies with a sequence extractor.
NAMES = tuple(f"{prefix}SlatePolicy" for prefix in EXTRACTORS)


def __getattr__(name: str) -> Any:  # for type checkers: the classes are made above
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _slate_size(space: spaces.Space[Any]) -> tuple[int, int]:
    """Return K and N of MultiDiscrete([N] * K), or 1 and N of Discrete(N)."""
    if isinstance(space, spaces.Discrete) and not space.start:
        return 1, int(space.n)
    if (
        not isinstance(space, spaces.MultiDiscrete)
        or space.nvec.ndim != 1
        or np.ptp(space.nvec)
        or np.any(space.start)
    ):
        raise ValueError(
            f"action space of SlatePolicy must be MultiDiscrete([N] * K) or Discrete(N), got {space}"
        )
    if len(space.nvec) > space.nvec[0]:
        raise ValueError(f"slate size must be at most the {space.nvec[0]} items, got {len(space.nvec)}")
    return len(space.nvec), int(space.nvec[0])
