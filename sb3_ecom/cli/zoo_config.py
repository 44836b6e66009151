"""`zoo-config`: where the shipped rl-zoo hyperparameters are, for `-conf $(sb3-ecom zoo-config ppo)`."""

from __future__ import annotations

import argparse

from sb3_ecom.core.zoo_configs import zoo_configs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = "example: sb3-ecom zoo-config ppo --show"
    parser.add_argument("algo", metavar="ALGO", nargs="?", help="such as ppo; without it, list what there is")
    parser.add_argument("--show", action="store_true", help="print the file (default: its path)")


def run(options: argparse.Namespace) -> None:
    """Print the path or the file."""
    configs = zoo_configs()
    if options.algo is None:
        for name, path in configs.items():
            print(f"{name}\t{path}")
        return
    if options.algo not in configs:
        raise ValueError(f"ALGO must be one of {', '.join(configs) or '(none found)'}, got {options.algo!r}")
    path = configs[options.algo]
    print(path.read_text(encoding="utf-8") if options.show else path)
