"""Export of trained models: a self-contained folder with an ONNX graph, the preset and a manifest."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.registry import spec
from sb3_ecom.core.task import Task
from sb3_ecom.live.manifest import POLICY, PRESET, Manifest, hash_file, write_manifest
from sb3_ecom.live.policy import open_session
from sb3_ecom.sb3.saved_model import SavedPolicy, find_model, guess_algo, load_policy, read_settings

OPSET = 17
_PACKAGES = ("sb3-ecom", "stable-baselines3", "sb3-contrib", "torch", "onnx", "onnxruntime", "numpy")
_TOLERANCE = 1e-5


def export(
    run: str | Path, out: str | Path, env_id: str, *, checked: int = 10_000, **kwargs: Any
) -> Manifest:
    """Write a trained model as a folder that serves without torch: graph, preset and manifest.

    Args:
        run: the model's zip, or rl-zoo's run folder.
        out: folder to write; made where it is absent.
        env_id: id that the model was trained on.
        checked: reached observations on which graph and model must agree.
        **kwargs: arguments of the environment; a preset file is copied.

    Raises:
        ValueError: on a recurrent, residual or item-row model, or a graph that disagrees with its model.
    """
    task = spec(env_id).make_task(**kwargs)
    path = find_model(Path(run), env_id)
    algo = guess_algo(path, read_settings(path))
    policy = load_policy(path, task, algo, env_id=env_id)
    if not isinstance(policy, SavedPolicy):
        raise ValueError(f"{path} is a residual or item-row model: these do not export yet")
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    graph = folder / POLICY
    to_onnx(policy.model.policy, policy.normalize, graph)

    def predict(observation: Array) -> Array:
        return np.asarray(policy.predict(observation, deterministic=True)[0])

    try:
        check_graph(graph, predict, reached_observations(task, predict, checked))
    except ValueError:
        graph.unlink()
        raise
    names = [POLICY]
    preset = kwargs.get("preset")
    if preset is not None and Path(preset).is_file():
        shutil.copyfile(preset, folder / PRESET)
        names.append(PRESET)
        kwargs = {key: value for key, value in kwargs.items() if key != "preset"}
    manifest = Manifest(
        env_id=env_id,
        env_kwargs=kwargs,
        algo=algo,
        name=algo,
        files={name: hash_file(folder / name) for name in names},
        versions=versions(),
        opset=OPSET,
    )
    write_manifest(folder, manifest)
    return manifest


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


def reached_observations(task: Task, policy: Any, count: int, seed: int = 0) -> Array:
    """Return (count, d) observations that a policy meets, a tenth of them after random actions."""
    copies = 256
    loop = StepLoop(task, copies)
    task.action_space.seed(seed)
    observation = loop.reset(seed)
    generator = np.random.default_rng(seed)
    seen = [observation.copy()]
    while len(seen) * copies < count:
        action = np.array(policy(observation))
        strange = generator.random(copies) < 0.1
        action[strange] = np.stack([task.action_space.sample() for _ in range(copies)])[strange]
        observation = loop.step(action).observation
        seen.append(observation.copy())
    return np.concatenate(seen)[:count]


def check_graph(path: Path, predict: Any, observations: Array, *, chunk: int = 1000) -> None:
    """Compare an ONNX graph with the model it was made from, under the session that will serve.

    Args:
        path: of the graph.
        predict: (n, d) observations -> actions, SB3's.
        observations: (m, d), reached by the policy.
        chunk: observations of one run.

    Raises:
        ValueError: if an action differs by more than 1e-5, or an item of a slate differs.
    """
    session = open_session(path)
    for start in range(0, len(observations), chunk):
        part = observations[start : start + chunk]
        ours = session.run(None, {"observation": part})
        theirs = np.asarray(predict(part))
        if np.issubdtype(theirs.dtype, np.floating):
            worst = float(np.abs(ours[0] - theirs).max())
            if not worst <= _TOLERANCE:
                raise ValueError(
                    f"the exported actions differ from the model's by {worst:.2g} (1e-5 is allowed)"
                )
            continue
        rows = np.flatnonzero((ours[0] != theirs).reshape(len(part), -1).any(1))
        wrong = [row for row in rows if not _tie(ours[1][row], ours[0][row], theirs[row])]
        if wrong:
            raise ValueError(f"{len(wrong)} of {len(part)} exported decisions differ from the model's")


def _tie(scores: Array, ours: Array, theirs: Array) -> bool:
    """Return whether two choices differ in items of equal score alone."""
    return bool(np.abs(scores[np.ravel(ours)] - scores[np.ravel(theirs)]).max() <= _TOLERANCE)


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


def versions() -> dict[str, str]:
    """Return the versions of the packages that an export depends on."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
