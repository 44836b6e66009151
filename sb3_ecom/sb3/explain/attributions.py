"""Integrated gradients of an action over the history's steps and features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_at_least
from sb3_ecom.core.spaces import Layout
from sb3_ecom.sb3.explain.parts import acting_extractor, policy_layout, to_tensor
from sb3_ecom.sb3.extractors.recurrent import SequenceExtractor


class Attributions(NamedTuple):
    """Attribution of the action's score, relative to the baseline's, to each float of an observation.

    The score's unit: an action's own for a Box (component k of the deterministic action), log-probability
    for the discrete actions of PPO and its like, value for DQN and QR-DQN.
    """

    context: Array  # (n, context) float32
    history: Array  # (n, steps, features) float32, newest step last
    change: Array  # (n,) score of the observation minus that of the baseline
    error: Array  # (n,) sum of the attributions minus `change`: small if `steps` were enough

    def importance(self) -> tuple[Array, Array]:
        """Return the mean absolute attribution of each context float (context,) and (steps, features)."""
        return np.abs(self.context).mean(0), np.abs(self.history).mean(0)


def attribute_actions(
    model: Any,
    observations: Array,
    *,
    component: int = 0,
    background: Array | None = None,
    steps: int = 32,
) -> Attributions:
    """Attribute the model's own deterministic actions to their observations.

    The path starts at a baseline that has the observation's own history mask, and every other float at
    its mean over the background (over valid steps, for the history). So the answer is to "why this action
    and not that of the average visitor?", and validity marks themselves get no attribution: a step that is
    half there means nothing to a mask.

    Args:
        model: of SB3 or sb3-contrib, without a recurrent state; flat Box observations.
        observations: (n, d) as the policy sees them (normalised, if VecNormalize normalises).
        component: of a Box action whose deterministic value is explained; unused for other actions, whose
            joint choice is explained.
        background: (m, d) observations to average; by default `observations`.
        steps: of the integral's Gauss-Legendre rule, >= 1.

    Raises:
        ValueError: if an argument is out of range or the model can not be explained.
        ImportError: without captum.

    Source: Sundararajan et al. (2017), Axiomatic attribution for deep networks, equation 1.
    """
    captum = _captum()
    layout = policy_layout(model)
    shape = (len(observations), layout.size)
    if np.shape(observations) != shape or not len(observations):
        raise ValueError(f"observations must be (n >= 1, {layout.size}), got {np.shape(observations)}")
    check_at_least("steps", steps, 1)
    score = _action_score(model, component)
    model.policy.set_training_mode(False)
    inputs = to_tensor(model, observations).float()
    reference = inputs if background is None else to_tensor(model, background).float()
    baseline = _baseline(inputs, reference, layout, _is_masked(model))
    with torch.no_grad():
        actions = model.policy._predict(inputs, deterministic=True)
        change = score(inputs, actions) - score(baseline, actions)
    # cuDNN's recurrent nets have no backward pass in evaluation mode.
    with torch.backends.cudnn.flags(enabled=False):
        found = captum.IntegratedGradients(score).attribute(
            inputs,
            baseline,
            additional_forward_args=(actions,),
            n_steps=steps,
            internal_batch_size=max(len(inputs), 8192),
        )
    error = found.sum(1) - change
    context, history = layout.split(found.detach().cpu().numpy())
    return Attributions(context, history, change.cpu().numpy(), error.detach().cpu().numpy())


def _action_score(model: Any, component: int = 0) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the function (observations (n, d), actions) -> (n,) whose gradient explains an action.

    Raises:
        ValueError: if the model has a recurrent state or `component` is not one of the action's.
    """
    policy, space = model.policy, model.action_space
    if hasattr(policy, "lstm_actor"):
        raise ValueError("a policy with a recurrent state can not be explained from one observation")
    if isinstance(space, spaces.Box):
        size = int(np.prod(space.shape))
        if not 0 <= component < size:
            raise ValueError(f"component must be in [0, {size}), got {component}")
        return lambda inputs, _: policy._predict(inputs, deterministic=True).flatten(1)[:, component]
    for name in ("q_net", "quantile_net"):
        if hasattr(policy, name):
            net = getattr(policy, name)
            return lambda inputs, actions: _values(net(inputs)).gather(1, actions[:, None].long())[:, 0]

    def log_probability(inputs: Tensor, actions: Tensor) -> Tensor:
        found: Tensor = policy.get_distribution(inputs).log_prob(actions)
        return found

    return log_probability


def _values(output: Tensor) -> Tensor:
    """Return action values (n, A): those of DQN, or the mean over QR-DQN's quantiles (n, quantiles, A)."""
    values: Tensor = output if output.ndim == 2 else output.mean(1)
    return values


def _is_masked(model: Any) -> bool:
    extractor = acting_extractor(model)
    return extractor.masked if isinstance(extractor, SequenceExtractor) else True


def _baseline(inputs: Tensor, background: Tensor, layout: Layout, masked: bool) -> Tensor:
    context: Tensor
    context, history = layout.split(background)
    if not layout.steps:
        return context.mean(0).expand_as(inputs).contiguous()
    valid = (history[..., :1] > 0.5).float() if masked else torch.ones_like(history[..., :1])
    mean = (history * valid).sum((0, 1)) / valid.sum((0, 1)).clamp(min=1.0)
    own = layout.split(inputs)[1]
    own_valid = (own[..., :1] > 0.5).float() if masked else torch.ones_like(own[..., :1])
    steps = mean * own_valid + own * (1.0 - own_valid)  # padding stays as it is: it has no effect
    if masked:
        steps = torch.cat([own[..., :1], steps[..., 1:]], 2)
    return torch.cat([context.mean(0).expand(len(inputs), -1), steps.flatten(1)], 1)


def _captum() -> Any:
    try:
        from captum import attr
    except ImportError as error:
        raise ImportError("attributions need captum: pip install sb3-ecom[explain]") from error
    return attr
