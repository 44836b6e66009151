"""Export of trained models: a self-contained folder with an ONNX graph, the preset and a manifest."""

from __future__ import annotations

import json
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.files import write_whole
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.origin import check_origin
from sb3_ecom.core.preset_text import format_preset, sign_text
from sb3_ecom.core.registry import make_task
from sb3_ecom.core.task import Task
from sb3_ecom.live.manifest import FILE, INT8, POLICY, PRESET, Manifest, hash_file, write_manifest
from sb3_ecom.live.policy import DeployedPolicy, open_session
from sb3_ecom.live.rules import describe_rule
from sb3_ecom.sb3.export_variants import measure_variants
from sb3_ecom.sb3.onnx_graph import OPSET, prune, quantise, to_onnx
from sb3_ecom.sb3.policies.item_rows import ItemRowPolicy
from sb3_ecom.sb3.policies.residual import ResidualPolicy
from sb3_ecom.sb3.saved_model import find_model, guess_algo, load_policy, read_settings
from sb3_ecom.sb3.training_record import training_command

__all__ = ["check_folder", "check_graph", "export", "prune", "quantise", "reached_observations", "to_onnx"]
_PACKAGES = ("sb3-ecom", "stable-baselines3", "sb3-contrib", "torch", "onnx", "onnxruntime", "numpy")
_TOLERANCE = 1e-5


def export(
    run: str | Path,
    out: str | Path,
    env_id: str,
    *,
    checked: int = 10_000,
    episodes: int = 0,
    trust: bool = True,
    **kwargs: Any,
) -> Manifest:
    """Write a trained model as a folder that serves without torch: graph, preset and manifest.

    A model that shifts a rule takes along the rule's name and tuned constants. The folder appears whole or
    not at all; an exported policy that lies there before is replaced.

    Args:
        run: the model's zip, or rl-zoo's run folder.
        out: folder to write; made where it is absent.
        env_id: id that the model was trained on.
        checked: reached observations on which graph and model must agree.
        episodes: on which the policy, an int8 and a pruned variant are measured in the simulator; 0 measures
            nothing. The int8 graph goes along where it pays.
        trust: whether a model is loaded from outside the current folder: loading runs its code.
        **kwargs: arguments of the environment; a preset file is copied.

    Raises:
        ValueError: on a recurrent model, a folder that holds anything but an exported policy, a model of
            another environment, or a graph that disagrees with its model.
    """
    task = make_task(env_id, **kwargs)
    path = find_model(Path(run), env_id)
    algo = guess_algo(path, read_settings(path))
    policy = load_policy(path, task, algo, env_id=env_id, trust=trust)
    with new_folder(Path(out)) as folder:
        manifest = _fill(folder, policy, env_id, algo, kwargs, training_command(Path(run), env_id))
        deployed = DeployedPolicy(folder)
        check_origin("the exported preset", deployed.task.observation_space, task.observation_space)
        check_folder(deployed, policy, task, checked)
        if episodes:
            manifest = _with_variants(deployed, manifest, policy, episodes, kwargs)
            write_manifest(folder, manifest)
    return manifest


def _with_variants(
    deployed: DeployedPolicy, manifest: Manifest, policy: Any, episodes: int, kwargs: dict[str, Any]
) -> Manifest:
    """Return the manifest with what the variants earn; put the int8 graph beside the policy where it pays."""
    saved = policy.model if isinstance(policy, ItemRowPolicy | ResidualPolicy) else policy
    with tempfile.TemporaryDirectory() as temporary:
        found, pays = measure_variants(deployed, saved, Path(temporary), manifest.env_id, episodes, kwargs)
        files = dict(manifest.files)
        if pays:
            target = deployed.folder / INT8
            shutil.copyfile(Path(temporary) / "int8.onnx", target)
            files[INT8] = hash_file(target)
    return replace(manifest, simulated=found, files=files)


def _fill(
    folder: Path, policy: Any, env_id: str, algo: str, kwargs: dict[str, Any], command: str
) -> Manifest:
    """Write graph, preset and manifest."""
    names, rule, saved = [POLICY], None, policy
    if isinstance(policy, ItemRowPolicy):
        rule, saved = describe_rule(policy.rows.settings), policy.model
    elif isinstance(policy, ResidualPolicy):
        rule, saved = describe_rule(policy.settings), policy.model
    to_onnx(saved.model.policy, saved.normalize, folder / POLICY)
    preset = kwargs.get("preset")
    if isinstance(preset, str | Path) and Path(preset).is_file():
        copy_preset(Path(preset), folder / PRESET)
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
        rule=rule,
        command=command,
    )
    write_manifest(folder, manifest)
    return manifest


def copy_preset(source: Path, target: Path) -> None:
    """Copy a preset; bases that are files of the user's are written into it: they do not travel along."""
    content = tomllib.loads(source.read_text(encoding="utf-8"))
    base = content.pop("base", None)
    if not isinstance(base, str) or not Path(base).is_file():
        shutil.copyfile(source, target)
        return
    while isinstance(base, str) and Path(base).is_file():
        below = tomllib.loads(Path(base).read_text(encoding="utf-8"))
        base = below.pop("base", None)
        content = {
            name: {**below.get(name, {}), **content.get(name, {})}
            for name in {**below, **content}
            if name not in ("schema", "sha256")  # of the whole that is written here, not of its parts
        }
    head = "" if base is None else f"base = {json.dumps(base)}\n"
    text = format_preset(content, f"{source.name} with its bases, written by `python -m sb3_ecom export`.")
    write_whole(target, sign_text(head + text).encode())


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give a folder to fill, which takes the place of `target` once it is whole, and vanishes on an error.

    Raises:
        ValueError: if `target` is no folder, or holds anything but an exported policy.
    """
    if target.exists() and not (target.is_dir() and (not any(target.iterdir()) or (target / FILE).is_file())):
        raise ValueError(f"{target} must be a new or empty folder, or hold an exported policy")
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    folder.chmod(0o755)  # mkdtemp's is the user's alone, but another one may serve
    try:
        yield folder
        if target.exists():
            before = folder.with_name(f"{folder.name}.before")
            target.rename(before)
            folder.rename(target)
            shutil.rmtree(before)
        else:
            folder.rename(target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def reached_observations(task: Task, policy: Any, count: int, seed: int = 0) -> Array:
    """Return (count, d) observations that a policy meets, a tenth of them after random actions."""
    return np.concatenate([seen for seen, _ in _walk(task, policy, count, seed)])[:count]


def _walk(task: Task, policy: Any, count: int, seed: int = 0) -> Iterator[tuple[Array, Array]]:
    """Give observations and the policy's actions, step by step, until there are `count` of them."""
    copies = min(256, count)
    loop = StepLoop(task, copies)
    task.action_space.seed(seed)
    observation = loop.reset(seed)
    generator = np.random.default_rng(seed)
    for _ in range(-(-count // copies)):
        action = np.asarray(policy(observation))
        yield observation.copy(), action
        action = action.copy()
        strange = generator.random(copies) < 0.1
        action[strange] = np.stack([task.action_space.sample() for _ in range(copies)])[strange]
        observation = loop.step(action).observation


def check_folder(deployed: DeployedPolicy, policy: Any, task: Task, count: int) -> None:
    """Compare an exported policy with its model on reached observations, under the session that serves.

    Graphs are compared with the networks they were made from, on the inputs that the exported rule gives
    them; the rule is compared on the network's own output, where it must give the very same actions.

    Raises:
        ValueError: if they disagree.
    """
    network = policy.model if isinstance(policy, ItemRowPolicy | ResidualPolicy) else policy

    def act(observation: Array) -> Array:
        return np.asarray(policy.predict(observation, deterministic=True)[0])

    for observation, action in _walk(task, act, count):
        inputs = deployed.adapter.inputs(observation)
        output = np.asarray(network.predict(inputs, deterministic=True)[0])
        _compare(deployed.run(inputs), output)
        _compare(deployed.run(inputs[:1]), output[:1])  # as it serves
        if not np.array_equal(deployed.adapter.actions(observation, output), action):
            raise ValueError("the exported rule gives other actions than the model's")


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
    names = [output.name for output in session.get_outputs()]
    for start in range(0, len(observations), chunk):
        part = observations[start : start + chunk]
        ours = dict(zip(names, session.run(None, {"observation": part}), strict=True))
        _compare(ours, np.asarray(predict(part)))


def _compare(ours: dict[str, Array], theirs: Array) -> None:
    if np.issubdtype(theirs.dtype, np.floating):
        worst = float(np.abs(ours["action"] - theirs).max())
        if not worst <= _TOLERANCE:
            raise ValueError(f"the exported actions differ from the model's by {worst:.2g} (1e-5 is allowed)")
        return
    rows = np.flatnonzero((ours["action"] != theirs).reshape(len(theirs), -1).any(1))
    wrong = [row for row in rows if not _tie(ours["scores"][row], ours["action"][row], theirs[row])]
    if wrong:
        raise ValueError(f"{len(wrong)} of {len(theirs)} exported decisions differ from the model's")


def _tie(scores: Array, ours: Array, theirs: Array) -> bool:
    """Return whether two choices differ in items of equal score alone."""
    return bool(np.abs(scores[np.ravel(ours)] - scores[np.ravel(theirs)]).max() <= _TOLERANCE)


def versions() -> dict[str, str]:
    """Return the versions of the packages that an export depends on."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
