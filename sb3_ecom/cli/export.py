"""`export`: a trained model as a folder that serves without torch."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from sb3_ecom.cli.arguments import add_kwargs_arguments, import_packages, read_env_kwargs
from sb3_ecom.cli.models import add_trust_option, warn_of_code
from sb3_ecom.core.console import working
from sb3_ecom.core.registry import specs

_RUN_FOLDER = re.compile(r"(.+)_\d+$")  # rl-zoo's <id>_<run>


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = "example: sb3-ecom export logs/ppo/EcomRec-v0_1 --preset my_shop.toml --out policy/"
    parser.add_argument("run_folder", metavar="RUN", help="rl-zoo's run folder, or the zip of a model")
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="to write (default: none, must be given)"
    )
    parser.add_argument("--env", metavar="ID", help="id it was trained on (default: as the run's name says)")
    parser.add_argument(
        "--checked",
        type=int,
        default=10_000,
        metavar="N",
        help="reached observations on which graph and model must agree (default %(default)s)",
    )
    parser.add_argument(
        "--episodes",
        type=int,
        default=500,
        metavar="N",
        help="on which it, an int8 and a pruned variant are measured; 0: none (default %(default)s)",
    )
    add_kwargs_arguments(parser)
    add_trust_option(parser)


def run(options: argparse.Namespace) -> None:
    """Export and say what to type next."""
    from sb3_ecom.live.forms import why_not
    from sb3_ecom.sb3.export import export
    from sb3_ecom.sb3.saved_model import find_model

    import_packages(options.gym_packages)
    kwargs = read_env_kwargs(options)
    env_id = options.env or guess_env_id(Path(options.run_folder))
    if options.checked < 1:
        raise ValueError(f"--checked must be >= 1, got {options.checked}")
    if options.episodes < 0 or options.episodes == 1:
        raise ValueError(f"--episodes must be 0 or >= 2, got {options.episodes}")
    find_model(Path(options.run_folder), env_id)
    warn_of_code()
    with working("exporting and checking"):
        manifest = export(
            options.run_folder,
            options.out,
            env_id,
            checked=options.checked,
            episodes=options.episodes,
            trust=options.trust,
            **kwargs,
        )
    print(f"{options.out}: {manifest.policy} of {env_id}, {options.checked:,} decisions as the model's")
    for name, found in manifest.simulated.items():
        print(
            f"  {name}: return {found['return']:.4g} +- {1.96 * found['stderr']:.2g}, "
            f"{found['bytes']:,} bytes, {found['microseconds']:g} us at batch 1"
        )
    reason = why_not(env_id)
    if reason is None:
        print(f"next: python -m sb3_ecom serve {options.out} --log decisions/")
    else:
        print(f"{reason}; sb3_ecom.live.policy.DeployedPolicy({options.out!r}).act takes observations")


def guess_env_id(run: Path) -> str:
    """Return the id that a run folder or a model file names.

    Raises:
        ValueError: if none of its names is an id.
    """
    run = run.absolute()
    names = [run.stem, *(parent.name for parent in (run, run.parent))]
    names += [named[1] for name in names if (named := _RUN_FOLDER.match(name))]
    names += [path.stem for path in sorted(run.glob("*.zip"))] if run.is_dir() else []
    for name in names:
        if name in specs():
            return name
    raise ValueError(f"{run} does not say which id it was trained on: name it with --env")
