"""`explain`: why a trained model acts as it does, as a folder with a report, pictures and tables."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from sb3_ecom.cli.arguments import (
    add_kwargs_arguments,
    find_spec,
    import_packages,
    read_env_kwargs,
)
from sb3_ecom.cli.export import guess_env_id
from sb3_ecom.cli.models import add_model_options
from sb3_ecom.core.console import say_next, working


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = "example: sb3-ecom explain logs/ppo/EcomRec-v0_1 --preset my_shop.toml --out why/"
    parser.add_argument("run_folder", metavar="RUN", help="rl-zoo's run folder, or the zip of a model")
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="to write (default: none, must be given)"
    )
    parser.add_argument("--env", metavar="ID", help="id it was trained on (default: as the run's name says)")
    add_kwargs_arguments(parser)
    add_model_options(parser)
    for option, default, text in (
        ("--decisions", 256, "that are attributed"),
        ("--states", 20_000, "that the tree is fitted to"),
        ("--depth", 4, "of the tree"),
        ("--steps", 32, "of the attributions' integral; doubled up to 512 while they do not add up"),
        ("--seed", 0, "of the customers"),
    ):
        parser.add_argument(
            option, type=int, default=default, metavar="N", help=f"{text} (default %(default)s)"
        )


def run(options: argparse.Namespace) -> None:
    """Explain, print the report and write the folder."""
    from sb3_ecom.live.manifest import FILE

    import_packages(options.gym_packages)
    for name, low in (("decisions", 1), ("states", 1), ("depth", 1), ("steps", 1), ("seed", 0)):
        if getattr(options, name) < low:
            raise ValueError(f"--{name} must be >= {low}, got {getattr(options, name)}")
    if (Path(options.run_folder) / FILE).is_file():
        raise ValueError(
            f"{options.run_folder} is an exported policy, without gradients: name its run folder"
        )
    kwargs = read_env_kwargs(options)
    entry = find_spec(options.env or guess_env_id(Path(options.run_folder)), kwargs)
    try:
        with working("explaining"):
            lines = _explain(options, entry.id, kwargs)
    except ImportError as error:
        raise ValueError(str(error)) from error
    print("\n".join(lines))
    print(f"\nwritten to {options.out}")
    given = [] if options.preset is None else ["--preset", options.preset]
    say_next(shlex.join(["export", options.run_folder, *given, "--out", "policy/"]))


def _explain(options: argparse.Namespace, env_id: str, kwargs: dict[str, Any]) -> list[str]:
    from sb3_ecom.cli.models import load_model
    from sb3_ecom.core.registry import make_task
    from sb3_ecom.sb3.explain.model_view import ModelView
    from sb3_ecom.sb3.explain.report import explain, write_report

    saved = load_model(options.run_folder, env_id, kwargs, options)
    view = ModelView(saved, make_task(env_id, **kwargs), copies=64, seed=options.seed)
    found = explain(
        view,
        decisions=options.decisions,
        states=options.states,
        depth=options.depth,
        steps=options.steps,
    )
    preset = f" on {options.preset}" if options.preset else ""
    return write_report(found, Path(options.out), f"{options.run_folder}, a policy of {env_id}{preset}")
