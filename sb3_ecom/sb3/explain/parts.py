"""The parts of an SB3 model that an explanation looks at."""

from __future__ import annotations

import math
from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.spaces import Layout, layout_of
from sb3_ecom.sb3.extractors.attention import AttendingExtractor
from sb3_ecom.sb3.extractors.recurrent import SequenceExtractor


def acting_extractor(model: Any) -> Any:
    """Return the feature extractor that a model's actions go through (the critic may have its own)."""
    policy = model.policy
    for part in (getattr(policy, name, None) for name in ("actor", "q_net", "quantile_net")):
        if getattr(part, "features_extractor", None) is not None:
            return part.features_extractor  # type: ignore[union-attr]
    return getattr(policy, "pi_features_extractor", None) or policy.features_extractor


def policy_layout(model: Any) -> Layout:
    """Return how a model's flat observations are cut: its extractor's layout, its space's, or no history.

    Raises:
        ValueError: if the observations are no flat Box.
    """
    space = model.observation_space
    if not isinstance(space, spaces.Box):
        raise ValueError(f"an explanation needs observations in a Box, got {space}")
    extractor = acting_extractor(model)
    if isinstance(extractor, SequenceExtractor):
        return extractor.layout
    return layout_of(space) or Layout(math.prod(space.shape), 0, 0)


def feature_names(layout: Layout) -> list[str]:
    """Return one name per float of an observation: ``context 3`` or ``step -1 feature 2`` (-1 = newest)."""
    names = [f"context {index}" for index in range(layout.context)]
    for step in range(-layout.steps, 0):
        names += [f"step {step} feature {feature}" for feature in range(layout.features)]
    return names


def to_tensor(model: Any, observations: Array | dict[str, Array]) -> Any:
    """Return observations as the model's policy takes them: float32 tensors on its device."""
    return model.policy.obs_to_tensor(observations)[0]


def attention_weights(model: Any, observations: Array | dict[str, Array]) -> Tensor:
    """Return the attention (n, heads, steps) of the acting extractor over the histories of (n, d).

    Each head's weights sum to 1, or to 0 for an empty history; newest step last.

    Raises:
        ValueError: if the model's extractor does not attend.
    """
    extractor = acting_extractor(model)
    if not isinstance(extractor, AttendingExtractor):
        raise ValueError(
            "attention needs a policy with an AttentionExtractor or a TransformerExtractor, "
            f"got {type(extractor).__name__}"
        )
    with torch.no_grad():
        return extractor.attend(extractor.window(to_tensor(model, observations)))[1]
