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
from sb3_ecom.core.extras import import_extra
from sb3_ecom.core.spaces import Layout, items_of
from sb3_ecom.sb3.explain.item_vectors import ItemVectors
from sb3_ecom.sb3.explain.parts import acting_extractor, policy_layout, to_tensor
from sb3_ecom.sb3.extractors.recurrent import SequenceExtractor

_MOST_STEPS = 512  # of the integral
_NOTHING = 1e-6  # of a score: an error below it is rounding


class Attributions(NamedTuple):
    """Attribution of the action's score, relative to the baseline's, to each float of an observation.

    The score's unit: an action's own for a Box (component k of the deterministic action), log-probability
    for the discrete actions of PPO and its like, value for DQN and QR-DQN.
    """

    context: Array  # (n, context) float32
    history: Array  # (n, steps, features) float32, newest step last
    items: Array  # (n, steps) float32: of the learned vector of each step's item; 0 where there is none
    change: Array  # (n,) score of the observation minus that of the baseline
    error: Array  # (n,) sum of all attributions minus `change`

    def importance(self) -> tuple[Array, Array, Array]:
        """Return mean absolute attributions: (context,), (steps, features) and (steps,) of items."""
        return np.abs(self.context).mean(0), np.abs(self.history).mean(0), np.abs(self.items).mean(0)

    def incompleteness(self) -> float:
        """Return the mean absolute error over the mean absolute change: 0 if everything is accounted for."""
        return float(np.abs(self.error).mean() / max(float(np.abs(self.change).mean()), _NOTHING))


def attribute_actions(
    model: Any,
    observations: Array,
    *,
    component: int = 0,
    background: Array | None = None,
    steps: int = 32,
    tolerance: float = 0.05,
    normalize: Any = None,
) -> Attributions:
    """Attribute the model's own deterministic actions to their observations.

    The path starts at a baseline that has the observation's own history mask and closed items, and every
    other float at its mean over the background (over valid steps, for the history). So the answer is to "why
    this action and not that of the average visitor?", and validity marks themselves get no attribution: a
    step that is half there means nothing to a mask. Where the policy looks up a learned vector of an item,
    the path runs through that vector, from the mean one, since a look-up has no gradient.

    Args:
        model: of SB3 or sb3-contrib, without a recurrent state; flat Box observations.
        observations: (n, d) as the policy sees them, before `normalize`.
        component: of a Box action whose deterministic value is explained; unused for other actions, whose
            joint choice is explained.
        background: (m, d) observations to average; by default `observations`.
        steps: of the integral's Gauss-Legendre rule, >= 1; doubled up to 512 while the sum is off.
        tolerance: largest incompleteness of the attributions.
        normalize: VecNormalize whose observation statistics the policy is behind, or None.

    Raises:
        ValueError: if an argument is out of range or the model can not be explained: it has a recurrent
            state, or its attributions do not add up to the change of the score.
        ImportError: without captum.

    Source: Sundararajan et al. (2017), Axiomatic attribution for deep networks, equation 1 and proposition 1.
    """
    captum = import_extra("captum.attr", "explain", "attributing an action")
    layout = policy_layout(model)
    shape = (len(observations), layout.size)
    if np.shape(observations) != shape or not len(observations):
        raise ValueError(f"observations must be (n >= 1, {layout.size}), got {np.shape(observations)}")
    check_at_least("steps", steps, 1)
    model.policy.set_training_mode(False)
    path = _Path(model, component, normalize)
    inputs = to_tensor(model, observations).float()
    reference = inputs if background is None else to_tensor(model, background).float()
    ends = path.ends(inputs, reference, layout)
    with torch.no_grad():
        actions = path.actions(inputs)
        change = path.score(*ends[0], actions) - path.score(*ends[1], actions)
    while True:
        found = _integrate(captum, path, ends, actions, steps)
        total = sum(part.flatten(1).sum(1) for part in found)
        context, history = layout.split(found[0].detach().cpu().numpy())
        attributions = Attributions(
            context,
            history,
            path.by_step(found, layout.steps),
            change.cpu().numpy(),
            (total - change).detach().cpu().numpy(),
        )
        off = attributions.incompleteness()
        if off <= tolerance or float(np.abs(attributions.error).max()) < _NOTHING:
            return attributions
        if steps >= _MOST_STEPS:
            raise ValueError(
                f"the attributions do not add up: they miss {100 * off:.1f}% of the change of the score "
                f"(at most {100 * tolerance:g}% is allowed): the policy jumps on the way from the average "
                "observation, as a look-up or a threshold does, and can not be explained by gradients"
            )
        steps = min(2 * steps, _MOST_STEPS)


class _Path:
    """Scores of a policy as a function of its observations and of the vectors that it looks up."""

    def __init__(self, model: Any, component: int, normalize: Any) -> None:
        self._model, self._score = model, _action_score(model, component)
        self._vectors = ItemVectors(model)
        self._normalize = _normalizer(normalize, model)

    def actions(self, inputs: Tensor) -> Tensor:
        found: Tensor = self._model.policy._predict(self._normalize(inputs), deterministic=True)
        return found

    def score(self, *parts: Tensor) -> Tensor:
        """Return (n,) scores of observations, vectors where there are any, and actions."""
        inputs, *vectors, actions = parts
        if not vectors:
            return self._score(self._normalize(inputs), actions)
        with self._vectors.replaced(vectors[0]):
            return self._score(self._normalize(inputs), actions)

    def ends(
        self, inputs: Tensor, reference: Tensor, layout: Layout
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return what `score` takes before the actions, at the observations and at their baselines."""
        baseline = _baseline(inputs, reference, layout, _is_masked(self._model), _closed(self._model))
        if self._vectors.source is None:
            return (inputs,), (baseline,)
        own, valid = self._vectors.of(inputs)
        others, known = self._vectors.of(reference)
        mean = (others * known[..., None]).sum((0, 1)) / known.sum().clamp(min=1)
        return (inputs, own), (baseline, torch.where(valid[..., None], mean, own))

    def by_step(self, found: tuple[Tensor, ...], steps: int) -> Array:
        """Return (n, steps): the attributions of the vectors, at the steps that they are of."""
        rows = np.zeros((len(found[0]), steps), dtype=np.float32)
        for part in found[1:]:
            rows[:, steps - part.shape[1] :] = part.sum(2).detach().cpu().numpy()
        return rows


def _integrate(
    captum: Any, path: _Path, ends: tuple[tuple[Tensor, ...], tuple[Tensor, ...]], actions: Tensor, steps: int
) -> tuple[Tensor, ...]:
    # cuDNN's recurrent nets have no backward pass in evaluation mode.
    with torch.backends.cudnn.flags(enabled=False):
        found: tuple[Tensor, ...] = captum.IntegratedGradients(path.score).attribute(
            ends[0],
            ends[1],
            additional_forward_args=(actions,),
            n_steps=steps,
            internal_batch_size=max(len(actions), 8192),
        )
    return found


def _normalizer(normalize: Any, model: Any) -> Callable[[Tensor], Tensor]:
    if normalize is None or not normalize.norm_obs:
        return lambda inputs: inputs
    mean = to_tensor(model, normalize.obs_rms.mean).float()
    scale = to_tensor(model, np.sqrt(normalize.obs_rms.var + normalize.epsilon)).float()
    return lambda inputs: ((inputs - mean) / scale).clamp(-normalize.clip_obs, normalize.clip_obs)


def _closed(model: Any) -> slice | None:
    """Return the floats that say which items can not be chosen: a mask, as validity is."""
    items = items_of(model.observation_space)
    return None if items is None else items.closed


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


def _baseline(
    inputs: Tensor, background: Tensor, layout: Layout, masked: bool, closed: slice | None
) -> Tensor:
    context: Tensor
    context, history = layout.split(background)
    average = context.mean(0).expand(len(inputs), -1).clone()
    if closed is not None:
        average[:, closed] = inputs[:, closed]
    if not layout.steps:
        return average.contiguous()
    valid = (history[..., :1] > 0.5).float() if masked else torch.ones_like(history[..., :1])
    mean = (history * valid).sum((0, 1)) / valid.sum((0, 1)).clamp(min=1.0)
    own = layout.split(inputs)[1]
    own_valid = (own[..., :1] > 0.5).float() if masked else torch.ones_like(own[..., :1])
    steps = mean * own_valid + own * (1.0 - own_valid)  # padding stays as it is: it has no effect
    if masked:
        steps = torch.cat([own[..., :1], steps[..., 1:]], 2)
    return torch.cat([average, steps.flatten(1)], 1)
