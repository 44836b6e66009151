"""Cheaper variants of an exported graph, and what each earns in the simulator."""

from __future__ import annotations

import time
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.evaluate import PolicyMaker, Result, evaluate
from sb3_ecom.live.policy import DeployedPolicy
from sb3_ecom.sb3.onnx_graph import prune, quantise, to_onnx

PRUNED = 0.5  # share of the weights of every linear layer
_FASTER = 0.9  # int8 pays from this share of the time on
_TIMED = 300  # single observations


def measure_variants(
    deployed: DeployedPolicy, saved: Any, folder: Path, env_id: str, episodes: int, kwargs: Mapping[str, Any]
) -> tuple[dict[str, dict[str, float]], bool]:
    """Return variant -> return, standard error, size and time at batch 1; and whether int8 pays.

    All meet the same episodes; `less` and `less_stderr` are paired differences from the policy itself. int8
    pays where it is at least a tenth faster and loses no more than two standard errors.

    Args:
        deployed: the exported folder.
        saved: `SavedPolicy` that it was made from.
        folder: for the graphs of the variants.
        env_id: id that it was trained on.
        episodes: to measure on, >= 2.
        kwargs: of the id.
    """
    graphs = {"policy": deployed.graph, "int8": folder / "int8.onnx", "pruned": folder / "pruned.onnx"}
    quantise(deployed.graph, graphs["int8"])
    thinned = deepcopy(saved.model.policy)
    prune(thinned, PRUNED)
    to_onnx(thinned, saved.normalize, graphs["pruned"])
    found: dict[str, dict[str, float]] = {}
    own: Result | None = None
    variants = {name: deployed.with_graph(graph) for name, graph in graphs.items()}
    times = _microseconds(variants)
    for name, variant in variants.items():
        result = _play(env_id, variant, episodes, kwargs)
        own = result if own is None else own
        less, error = result.minus(own)
        found[name] = {
            "return": result.mean,
            "stderr": result.stderr,
            "less": less,
            "less_stderr": error,
            "episodes": episodes,
            "bytes": graphs[name].stat().st_size,
            "microseconds": times[name],
        }
    int8, plain = found["int8"], found["policy"]
    quick = int8["microseconds"] < _FASTER * plain["microseconds"]
    return found, quick and int8["less"] >= -2 * int8["less_stderr"]


def _play(env_id: str, variant: DeployedPolicy, episodes: int, kwargs: Mapping[str, Any]) -> Result:
    return evaluate(env_id, PolicyMaker(lambda _: variant.fresh().act), episodes=episodes, **kwargs)


def _microseconds(variants: Mapping[str, DeployedPolicy]) -> dict[str, float]:
    """Return the median time of each graph on one observation.

    They take turns: what else the machine does slows all of them alike.
    """
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(_TIMED):
        for name, variant in variants.items():
            row = np.zeros((1, variant.width), dtype=np.float32)
            start = time.perf_counter()
            variant.run(row)
            times[name].append(time.perf_counter() - start)
    return {name: round(1e6 * float(np.median(each)), 1) for name, each in times.items()}
