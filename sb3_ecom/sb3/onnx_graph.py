"""SB3 policies as ONNX graphs: observation -> action and scores; int8 and pruned variants."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn
from torch.jit import TracerWarning  # type: ignore[attr-defined]

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
    with quiet_tracing():
        _write(module, example, names, path)


def _write(module: nn.Module, example: Tensor, names: list[str], path: Path) -> None:
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


#: Modules that look at tensors while they are traced: whether parameters are finite, how many
#: dimensions there are. What they look at changes no decision.
_LOOK_AT_TENSORS = (
    r"torch\.distributions\.distribution",
    r"torch\.nn\.modules\.rnn",
    r"sb3_ecom\.sb3\.policies\.slate_distribution",
)
#: What the exporter says of every graph of its kind. The first two are about its age: its graphs decide as
#: the networks do. The last two warn of other batches and of negative indices: `export.check_folder` compares
#: batches of 1 and of many on observations that are reached, and refuses a graph that differs.
_SAID_OF_ALL = (
    (r".*legacy TorchScript-based ONNX export", DeprecationWarning),
    (r"The feature will be removed\.", DeprecationWarning),
    (r"Exporting a model to ONNX with a batch_size other than 1", UserWarning),
    (r"Exporting aten::index operator of advanced indexing", UserWarning),
)


@contextmanager
def quiet_tracing() -> Iterator[None]:
    """Silence what torch says of every trace of such networks; anything else is still said."""
    with warnings.catch_warnings():
        for module in _LOOK_AT_TENSORS:
            warnings.filterwarnings("ignore", category=TracerWarning, module=module)
        for message, category in _SAID_OF_ALL:
            warnings.filterwarnings("ignore", message, category)
        yield


def quantise(path: Path, target: Path) -> None:
    """Write the graph with int8 weights (dynamic quantisation).

    Raises:
        ValueError: if onnx is missing.
    """
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise ValueError("int8 variants need onnx: pip install 'sb3-ecom[export]'") from error
    advice = _NotTheAdvice()
    logging.getLogger().addFilter(advice)
    try:
        quantize_dynamic(str(path), str(target), weight_type=QuantType.QInt8)
    finally:
        logging.getLogger().removeFilter(advice)


class _NotTheAdvice(logging.Filter):
    """Drops onnxruntime's advice, on the root logger, to prepare a graph for quantisation.

    It is meant for convolutions whose shapes are to be inferred first; our graphs are linear layers, and what
    the quantised graph earns is measured.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Return False for that one message."""
        return "pre-processing before quantization" not in record.getMessage()


def prune(policy: Any, share: float) -> None:
    """Set the `share` smallest weights of every linear layer to 0, in place."""
    from torch.nn.utils import prune as pruning

    for module in policy.modules():
        if isinstance(module, nn.Linear):
            pruning.l1_unstructured(module, "weight", amount=share)  # type: ignore[no-untyped-call]
            pruning.remove(module, "weight")  # type: ignore[no-untyped-call]
