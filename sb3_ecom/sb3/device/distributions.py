"""SB3's action distributions without the questions that torch asks of the device.

torch checks every parameter and sample of a distribution, and `multinomial` its probabilities: each check
makes the host wait. These twins compute the same numbers from the same random draws and check nothing;
`DevicePPO` looks once a rollout whether all is finite.
"""

from __future__ import annotations

from typing import Any

import torch
from stable_baselines3.common.distributions import (
    CategoricalDistribution,
    DiagGaussianDistribution,
    Distribution,
    MultiCategoricalDistribution,
    SquashedDiagGaussianDistribution,
)
from torch import Tensor
from torch.distributions import Categorical, Normal

from sb3_ecom.sb3.policies.slate_distribution import PlackettLuce, PlackettLuceSlate


class RaceCategorical(Categorical):
    """A Categorical that samples as `multinomial` does inside: the winner of a race of exponentials."""

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draw (*sample_shape, n) int64."""
        with torch.no_grad():
            shape = (*tuple(sample_shape), *self.probs.shape)
            clocks = torch.empty(shape, dtype=self.probs.dtype, device=self.probs.device).exponential_()
            return torch.argmax(self.probs / clocks, -1)


class DeviceCategorical(CategoricalDistribution):
    """For Discrete actions."""

    def proba_distribution(self, action_logits: Tensor) -> DeviceCategorical:
        """Set (n, A) logits."""
        self.distribution = RaceCategorical(logits=action_logits, validate_args=False)
        return self


class DeviceMultiCategorical(MultiCategoricalDistribution):
    """For MultiDiscrete actions."""

    def proba_distribution(self, action_logits: Tensor) -> DeviceMultiCategorical:
        """Set (n, sum of A_k) logits."""
        parts = torch.split(action_logits, list(self.action_dims), dim=1)
        self.distribution = [RaceCategorical(logits=part, validate_args=False) for part in parts]
        return self


class DeviceGaussian(DiagGaussianDistribution):
    """For Box actions."""

    def proba_distribution(self, mean_actions: Tensor, log_std: Tensor) -> DeviceGaussian:
        """Set (n, A) means and (A,) log standard deviations."""
        std = log_std.exp().expand_as(mean_actions)
        self.distribution = Normal(mean_actions, std, validate_args=False)
        return self


class DeviceSquashedGaussian(SquashedDiagGaussianDistribution):
    """For Box actions squashed by tanh."""

    def proba_distribution(self, mean_actions: Tensor, log_std: Tensor) -> DeviceSquashedGaussian:
        """Set (n, A) means and (A,) log standard deviations, before the squashing."""
        std = log_std.exp().expand_as(mean_actions)
        self.distribution = Normal(mean_actions, std, validate_args=False)
        return self


class DeviceSlate(PlackettLuceSlate):
    """For slates of `SlatePolicy`."""

    def proba_distribution(self, logits: Tensor, closed: Tensor | None = None) -> DeviceSlate:
        """Set (n, N) logits and the (n, N) mask of closed items."""
        self.distribution = PlackettLuce(logits, self.size, closed, validate_args=False)
        return self


def device_twin(distribution: Distribution) -> Distribution:
    """Return the twin of a distribution of SB3 or of ours; any other (gSDE, a custom one) as it is."""
    twin = _TWINS.get(type(distribution))
    if twin is None:
        return distribution
    # The twins differ in methods only; copying the attributes spares four constructors.
    other = twin.__new__(twin)
    other.__dict__.update(distribution.__dict__)
    return other


_TWINS: dict[type[Distribution], type[Distribution]] = {
    CategoricalDistribution: DeviceCategorical,
    MultiCategoricalDistribution: DeviceMultiCategorical,
    DiagGaussianDistribution: DeviceGaussian,
    SquashedDiagGaussianDistribution: DeviceSquashedGaussian,
    PlackettLuceSlate: DeviceSlate,
}
