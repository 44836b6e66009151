"""Policies that know the item clicked last by a learned embedding."""

from __future__ import annotations

from stable_baselines3.common.policies import ActorCriticPolicy

from sb3_ecom.sb3.extractors.last_item import LastItemEmbeddingExtractor
from sb3_ecom.sb3.policies.sequence import WithExtractor
from sb3_ecom.sb3.policies.slate import SlatePolicy


class LastItemEmbeddingPolicy(WithExtractor, ActorCriticPolicy):  # type: ignore[misc]
    """For PPO, A2C and TRPO: the context and the newest history step, its item by a learned embedding."""

    extractor = LastItemEmbeddingExtractor


class LastItemEmbeddingSlatePolicy(WithExtractor, SlatePolicy):  # type: ignore[misc]
    """`SlatePolicy` on the same: slates and single items of a catalogue, for PPO."""

    extractor = LastItemEmbeddingExtractor
