"""SB3 policies as ONNX graphs: observation -> action and scores; int8 and pruned variants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

OPSET = 17


class DeterministicPolicy(nn.Module):
    """Observation -> (action, scores), as SB3's `predict(deterministic=True)`, statistics included.

    Args:
        policy: an SB3 policy: on-policy actor-critics, Q networks or deterministic and squashed actors.
        statistics: a VecNormalize whose observation statistics apply, or None.

    Raises:
        ValueError: on a recurrent policy, which carries a state that one graph of an observation has not.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, policy: Any, statistics: Any = None) -> None:
        super().__init__()
        if hasattr(policy, "lstm_actor"):
            raise ValueError(
                "a recurrent policy (RecurrentPPO) carries a state from step to step and does not export; "
                "LSTM extractors (sb3_ecom.sb3.LstmPolicy) do"
            )
        self.policy = policy
        self.normalizes = statistics is not None and bool(statistics.norm_obs)
        width = policy.observation_space.shape[0]
        mean, deviation, self.clip = np.zeros(width), np.ones(width), np.inf
        if self.normalizes:
            mean = statistics.obs_rms.mean
            deviation = np.sqrt(statistics.obs_rms.var + statistics.epsilon)
            self.clip = float(statistics.clip_obs)
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float64))
        self.register_buffer("scale", torch.as_tensor(deviation, dtype=torch.float64))

    def forward(self, observation: Tensor) -> tuple[Tensor, ...]:
        """Return the actions, and the scores of all items or actions where the policy has them."""
        if self.normalizes:
            exact = (observation.double() - self.mean) / self.scale
            observation = exact.clamp(-self.clip, self.clip).float()
        policy = self.policy
        if hasattr(policy, "get_distribution"):
            return self._from_distribution(policy.get_distribution(observation), observation)
        if hasattr(policy, "quantile_net"):
            values = policy.quantile_net(observation).mean(1)
            return values.argmax(1), values
        if hasattr(policy, "q_net"):
            values = policy.q_net(observation)
            return values.argmax(1), values
        return (policy._predict(observation, deterministic=True).clamp(-1.0, 1.0),)

    def _from_distribution(self, distribution: Any, observation: Tensor) -> tuple[Tensor, ...]:
        if isinstance(self.policy.action_space, spaces.Box):
            return (distribution.get_actions(deterministic=True).clamp(-1.0, 1.0),)
        actions = distribution.get_actions(deterministic=True)
        shape = self.policy.action_space.shape
        actions = actions.reshape(-1, *shape) if shape else actions.reshape(-1)
        logits = getattr(distribution.distribution, "logits", None)
        return (actions,) if logits is None else (actions, logits)


def to_onnx(policy: Any, statistics: Any, path: Path) -> None:
    """Write a policy as an ONNX graph with a dynamic batch."""
    module = DeterministicPolicy(policy, statistics).eval()
    example = torch.zeros((2, policy.observation_space.shape[0]), dtype=torch.float32)
    with torch.no_grad():
        names = ["action", "scores"][: len(module(example))]
    torch.onnx.export(
        module,
        (example,),
        str(path),
        dynamo=False,
        opset_version=OPSET,
        input_names=["observation"],
        output_names=names,
        dynamic_axes={name: {0: "batch"} for name in ("observation", *names)},
    )


def quantise(path: Path, target: Path) -> None:
    """Write the graph with int8 weights (dynamic quantisation).

    Raises:
        ValueError: if onnx is missing.
    """
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise ValueError("int8 variants need onnx: pip install 'sb3-ecom[export]'") from error
    quantize_dynamic(str(path), str(target), weight_type=QuantType.QInt8)


def prune(policy: Any, share: float) -> None:
    """Set the `share` smallest weights of every linear layer to 0, in place."""
    from torch.nn.utils import prune as pruning

    for module in policy.modules():
        if isinstance(module, nn.Linear):
            pruning.l1_unstructured(module, "weight", amount=share)  # type: ignore[no-untyped-call]
            pruning.remove(module, "weight")  # type: ignore[no-untyped-call]
