"""A model file of SB3 or rl-zoo as a policy that `evaluate` takes."""

from __future__ import annotations

import json
import logging
import pickle
import re
import zipfile
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_choice
from sb3_ecom.core.item_rows import ItemRowBox
from sb3_ecom.core.origin import check_origin
from sb3_ecom.core.residual import ResidualBox
from sb3_ecom.core.task import Task
from sb3_ecom.sb3.policies.item_rows import ItemRowPolicy
from sb3_ecom.sb3.policies.residual import ResidualPolicy

# Modules of SB3's policies that belong to one algorithm.
_MODULES = {".recurrent.": "ppo_lstm"} | {
    f".{name}.": name for name in ("dqn", "qrdqn", "sac", "tqc", "td3", "crossq", "ars")
}
# Settings that only one algorithm saves, for policies of other modules; the first that fits names it.
_SETTINGS = (
    ("trpo", ("cg_max_steps",)),
    ("ppo", ("clip_range", "n_epochs")),
    ("tqc", ("top_quantiles_to_drop_per_net",)),
    ("sac", ("target_entropy", "target_update_interval")),
    ("td3", ("policy_delay", "target_policy_noise")),
    ("dqn", ("exploration_fraction",)),
    ("a2c", ("gae_lambda", "normalize_advantage")),
)
_RUN_FOLDER = re.compile(r"(.+)_\d+$")  # rl-zoo's <id>_<run>
_OFF_POLICY = ("sac", "td3", "ddpg", "tqc", "crossq", "dqn", "qrdqn")


_LOG = logging.getLogger(__name__)


class SavedPolicy:
    """A loaded model behind its observation statistics, with SB3's `predict`.

    Attributes:
        model: SB3's.
        normalize: the VecNormalize whose statistics are applied, or None.
        statistics: the file that they are from, or None.
    """

    def __init__(self, model: Any, normalize: Any = None, statistics: Path | None = None) -> None:
        self.model = model
        self.normalize = normalize
        self.statistics = statistics

    def predict(self, observation: Array, **kwargs: Any) -> tuple[Array, Any]:
        """Return (actions, state), as SB3's models do."""
        if self.normalize is not None:
            observation = self.normalize.normalize_obs(observation)
        action, state = self.model.predict(observation, **kwargs)
        return action, state


def load_policy(
    path: str | Path,
    task: Task,
    algo: str | None = None,
    vecnormalize: str | Path | None = None,
    env_id: str | None = None,
    *,
    transfer: bool = False,
    trust: bool = True,
) -> SavedPolicy | ItemRowPolicy | ResidualPolicy:
    """Load a model for a task.

    One trained on item rows (`VecItemRows`) or on top of a rule (`VecResidual`) acts on the task's own
    observations again.

    Args:
        path: the zip, or rl-zoo's run folder (its `best_model.zip` before `<env_id>.zip`).
        task: what the model will act in; its spaces must be the model's.
        algo: rl-zoo's name, such as "ppo"; None finds it in the folder's name or the zip.
        vecnormalize: statistics of VecNormalize; None takes rl-zoo's `<id>/vecnormalize.pkl`.
        env_id: whose file to look for in a run folder.
        transfer: whether the model may act in another environment than it was trained in (another preset or
            catalogue, other parameters), as long as the spaces fit.
        trust: whether files from anywhere are loaded: loading a zip or a pickle runs its code. False
            refuses those that lie outside the current folder.

    Raises:
        ValueError: if the file is absent or no model, lies outside the current folder without `trust`, the
            algorithm is unknown, the spaces differ, or without `transfer` the environment; the message names
            the difference.
    """
    path = find_model(Path(path), env_id)
    statistics = Path(vecnormalize) if vecnormalize is not None else find_statistics(path)
    if not trust:
        for file in (path, statistics):
            if file is not None:
                _check_own(file)
    data = read_settings(path)
    algo = algo or guess_algo(path, data)
    model = _load(path, algo)
    if isinstance(model.observation_space, (ItemRowBox, ResidualBox)):
        if not transfer:
            check_origin(str(path), _without_settings(model.observation_space), task.observation_space)
        kind = ItemRowPolicy if isinstance(model.observation_space, ItemRowBox) else ResidualPolicy
        return kind(_behind_statistics(model, statistics), task)
    for name in ("observation_space", "action_space"):
        ours, theirs = getattr(task, name), getattr(model, name)
        if ours.shape != theirs.shape or _choices(ours) != _choices(theirs):
            raise ValueError(f"{path} was trained with {name} {theirs}, but this environment has {ours}")
    if not transfer:
        check_origin(str(path), model.observation_space, task.observation_space)
    return _behind_statistics(model, statistics)


def find_model(path: Path, env_id: str | None) -> Path:
    """Return the zip that `path` names, with or without its suffix or as a run folder."""
    if path.is_dir():
        tried = [path / "best_model.zip", *([path / f"{env_id}.zip"] if env_id else [])]
    else:
        tried = [path, path.with_name(f"{path.name}.zip")]
    for candidate in tried:
        if candidate.is_file():
            return candidate
    raise ValueError(f"no model file: looked for {', '.join(map(str, tried))}")


def find_statistics(path: Path) -> Path | None:
    """Return the statistics that were saved with a model, of no other one.

    rl-zoo's run folder ``<folder>/<id>.zip`` (``best_model.zip``, ``rl_model_<n>_steps.zip``) keeps them in
    ``<folder>/<id>/``, where the run's ``config.yml`` stands too; a checkpoint's have its own number.
    """
    stem = path.stem
    own = path.with_name(f"{stem.replace('rl_model', 'rl_model_vecnormalize')}.pkl")  # of a checkpoint
    tried = [own] if own != path.with_suffix(".pkl") else []
    tried += [path.parent / stem / "vecnormalize.pkl", path.parent / "vecnormalize.pkl"]
    named = _RUN_FOLDER.match(path.parent.resolve().name)
    if named is not None:  # best_model.zip and checkpoints of the run
        tried.append(path.parent / named[1] / "vecnormalize.pkl")
    return next((candidate for candidate in tried if candidate.is_file()), None)


def _check_own(path: Path) -> None:
    """Refuse a file that the user's own training can hardly have written: loading runs the code in it.

    Links are followed.

    Raises:
        ValueError: if the file lies outside the current folder.
    """
    if path.exists() and not path.resolve().is_relative_to(Path.cwd().resolve()):
        raise ValueError(
            f"{path} lies outside the current folder ({Path.cwd()}), and loading it runs its code: go to "
            "the folder of your runs, or add --trust if you know where the file comes from"
        )


def guess_algo(path: Path, data: dict[str, Any]) -> str:
    """Return rl-zoo's name of the algorithm, from its folder (`logs/ppo/<id>_1/`) or the saved settings.

    Raises:
        ValueError: if neither tells.
    """
    from rl_zoo3 import ALGOS

    folders = [parent.name for parent in path.resolve().parents[:3]]
    for folder in folders:
        if folder in ALGOS:
            return folder
    module = f"{data.get('policy_class', {}).get('__module__', '')}."
    for part, name in _MODULES.items():
        if part in module:
            return name
    for name, keys in _SETTINGS:
        if all(key in data for key in keys):
            return name
    raise ValueError(f"{path} does not say its algorithm: name it with --algo ({', '.join(ALGOS)})")


def read_settings(path: Path) -> dict[str, Any]:
    """Return the settings that SB3 saved beside the weights."""
    try:
        with zipfile.ZipFile(path) as archive:
            data: dict[str, Any] = json.loads(archive.read("data"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(f"{path} is no model that SB3 saved: {error}") from error
    return data


def _load(path: Path, algo: str) -> Any:
    from rl_zoo3 import ALGOS

    check_choice("algo", algo, ALGOS)
    # Schedules hold pickled code of the Python that trained, and acting needs none of them.
    unused = {"learning_rate": 0.0, "lr_schedule": _zero, "clip_range": _zero}
    small: dict[str, Any] = {"buffer_size": 1} if algo in _OFF_POLICY else {}
    try:
        return ALGOS[algo].load(path, device="cpu", custom_objects=unused, **small)
    except (ImportError, AttributeError, KeyError, TypeError, RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"{path} does not load as {algo}: {error}; is --algo right, and are its own modules named in "
            "--gym-packages?"
        ) from error


def _zero(_: float) -> float:
    return 0.0


def _choices(space: Any) -> Any:
    if isinstance(space, spaces.MultiDiscrete):
        return tuple(np.ravel(space.nvec).tolist())
    return int(space.n) if isinstance(space, spaces.Discrete) else None


def _without_settings(space: Any) -> Any:
    """Return a model's space without what its wrapper did: the policy built around it does that again."""
    space = copy(space)
    space.settings = None
    return space


def _behind_statistics(model: Any, found: Path | None) -> SavedPolicy:
    if found is None:
        return SavedPolicy(model)
    _LOG.warning("observation statistics: %s", found)
    return SavedPolicy(model, _load_statistics(found, model.observation_space.shape), found)


def _load_statistics(path: Path, width: Any) -> Any:
    try:
        with path.open("rb") as file:
            statistics = pickle.load(file)
        statistics.training = False
        shape = statistics.obs_rms.mean.shape if statistics.norm_obs else width
    except (OSError, AttributeError, ImportError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} holds no VecNormalize: {error}") from error
    if shape != width:
        raise ValueError(f"{path} is of observations {shape}, this environment's are {width}")
    return statistics
