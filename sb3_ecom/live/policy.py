"""An exported policy: observations in, actions out, with NumPy and onnxruntime alone."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.registry import make_task
from sb3_ecom.core.task import Task
from sb3_ecom.live.manifest import POLICY, PRESET, Manifest, read_manifest
from sb3_ecom.live.rules import Adapter, Direct, make_adapter


class DeployedPolicy:
    """A policy folder that `sb3-ecom export` wrote.

    Args:
        folder: the exported folder.

    Raises:
        ValueError: if the folder is incomplete or was changed, or onnxruntime is missing.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.manifest: Manifest = read_manifest(self.folder)
        self._session = open_session(self.folder / POLICY)
        self._outputs = [output.name for output in self._session.get_outputs()]

    @property
    def name(self) -> str:
        """Name and version, as decision logs hold it."""
        return self.manifest.policy

    @property
    def env_id(self) -> str:
        """Id that it was trained on."""
        return self.manifest.env_id

    @cached_property
    def task(self) -> Task:
        """The task that the policy was trained on, for its tracker and public tables."""
        kwargs: dict[str, Any] = dict(self.manifest.env_kwargs)
        if PRESET in self.manifest.files:
            kwargs["preset"] = str(self.folder / PRESET)
        return make_task(self.manifest.env_id, **kwargs)

    @cached_property
    def adapter(self) -> Adapter:
        """What stands between observations and the graph: nothing, a shifted rule, or item rows."""
        rule = self.manifest.rule
        return Direct() if rule is None else make_adapter(self.task, rule)

    def fresh(self) -> DeployedPolicy:
        """Return the same policy with a rule that remembers nothing, for another episode beside this one."""
        other = copy(self)
        other.__dict__["task"] = self.task  # both share it
        other.__dict__.pop("adapter", None)
        return other

    @property
    def graph(self) -> Path:
        """File of the graph."""
        return self.folder / POLICY

    @property
    def width(self) -> int:
        """Floats of the graph's input."""
        return int(self._session.get_inputs()[0].shape[1])

    def with_graph(self, path: Path) -> DeployedPolicy:
        """Return the same policy with another graph of the same inputs and outputs, such as an int8 one.

        Raises:
            ValueError: if the file is no model.
        """
        other = self.fresh()
        other._session = open_session(path)
        return other

    def act(self, observation: Array) -> Array:
        """Return the (n, ...) actions for (n, d) float32 observations, as SB3's deterministic predict.

        A policy that shifts a rule with a memory must see the observations of an episode in order.
        """
        return self.act_with_scores(observation)[0]

    def scores(self, observation: Array) -> Array | None:
        """Return the (n, N) scores of all items or actions; None where the policy has none."""
        return self.act_with_scores(observation)[1] if "scores" in self._outputs else None

    def act_with_scores(self, observation: Array) -> tuple[Array, Array | None]:
        """Return actions and scores of one run."""
        found = self.run(self.adapter.inputs(observation))
        return self.adapter.actions(observation, found["action"]), found.get("scores")

    def run(self, inputs: Array) -> dict[str, Array]:
        """Return the graph's outputs by name for its own inputs."""
        batch = np.ascontiguousarray(inputs, dtype=np.float32)
        return dict(zip(self._outputs, self._session.run(None, {"observation": batch}), strict=True))


def open_session(path: Path) -> Any:
    """Return the onnxruntime session that serves: one thread, basic optimisation.

    The full optimisation changes the actions of some policies without a word; exports are checked under
    exactly these options.

    Raises:
        ValueError: if onnxruntime is missing or the file is no model.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ValueError("an exported policy needs onnxruntime: pip install 'sb3-ecom[live]'") from error
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its own without a common base
        raise ValueError(f"{path} does not load as an ONNX model: {error}") from error
