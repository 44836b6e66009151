"""A model for the commands that play it: rl-zoo's run folder, a zip of SB3, or an exported folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from sb3_ecom.core.evaluate import PolicyMaker
from sb3_ecom.core.origin import check_origin
from sb3_ecom.core.policies import TunedMaker
from sb3_ecom.core.registry import make_task, spec

_CODE = (
    "note: loading a model zip or vecnormalize.pkl runs the code in it; evaluate only files that you trust"
)


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a model is loaded."""
    parser.add_argument("--algo", help="of the model (default: found from its file)")
    parser.add_argument(
        "--vecnormalize", metavar="PKL", help="observation statistics (default: those that rl-zoo saved)"
    )
    parser.add_argument(
        *("--transfer", "--force"),
        action="store_true",
        help="let a model act in another environment than it was trained in: other preset or parameters "
        "(default: refuse)",
    )
    add_trust_option(parser)


def add_trust_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that lets models be loaded from anywhere."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="load a model from outside the current folder: model zips and pickles run code when loaded "
        "(default: refuse)",
    )


def warn_of_code() -> None:
    """Say on stderr that loading a model runs its code."""
    print(_CODE, file=sys.stderr)


def load_model(path: str, env_id: str, kwargs: dict[str, Any], options: argparse.Namespace) -> Any:
    """Return a model as `evaluate` takes it.

    Raises:
        ValueError: if there is no model, or it was made for another environment (`--transfer` lets it).
    """
    from sb3_ecom.live.manifest import FILE

    if (Path(path) / FILE).is_file():
        return _load_exported(path, env_id, kwargs, options.transfer)
    from sb3_ecom.sb3.saved_model import load_policy

    warn_of_code()
    return load_policy(
        path,
        make_task(env_id, **kwargs),
        options.algo,
        options.vecnormalize,
        env_id,
        transfer=options.transfer,
        trust=options.trust,
    )


def _load_exported(path: str, env_id: str, kwargs: dict[str, Any], transfer: bool) -> PolicyMaker:
    from sb3_ecom.live.manifest import PRESET
    from sb3_ecom.live.policy import DeployedPolicy

    policy = DeployedPolicy(path)
    if policy.env_id != env_id:
        raise ValueError(f"{path} is a policy of {policy.env_id}, not of {env_id}")
    if not transfer:
        own = dict(policy.manifest.env_kwargs)
        if PRESET in policy.manifest.files:
            own["preset"] = str(Path(path) / PRESET)
        spaces = (make_task(env_id, **each).observation_space for each in (own, kwargs))
        check_origin(path, *spaces)
    return PolicyMaker(lambda _: policy.fresh().act)


def tuned_rules(model: Any, env_id: str, kwargs: dict[str, Any]) -> dict[str, PolicyMaker]:
    """Return the rule on which a model of SB3 stands, with the constants it keeps: nothing is tuned anew.

    Empty where it stands on none, keeps no constants, or they were tuned for other arguments.
    """
    settings = getattr(getattr(model, "rows", model), "settings", None)
    rule, constants = (getattr(settings, name, None) for name in ("rule", "constants"))
    maker = spec(env_id).baselines.get(rule or "")
    if not constants or not isinstance(maker, TunedMaker):
        return {}
    if not maker.fits(make_task(env_id, **kwargs), constants):
        return {}
    return {str(rule): PolicyMaker(lambda task: maker.from_constants(task, constants))}
