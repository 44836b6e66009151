"""`python -m sb3_ecom` and the console script `sb3-ecom`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import sb3_ecom

_COMMANDS = {  # name -> what `--help` says; the module of this name in `sb3_ecom.cli` does it
    "envs": "list the environments with their reference returns",
    "evaluate": "print return, standard error, score and metrics of a baseline or a trained model",
    "watch": "show an episode in the terminal or a window, or write it as a gif or mp4",
    "explain": "say why a trained model acts as it does, in a folder of a report and pictures",
    "compare": "say whether a model is better than baselines, your own rules or other models",
    "calibrate": "fit a simulator to your own log",
    "export": "write a trained model as a folder that serves without torch",
    "serve": "serve an exported policy over HTTP",
    "judge": "estimate what a policy would have earned on a decision log",
    "gate": "exit 0 only if a policy is shown to earn more than the log's own",
    "refine": "refine a shop's preset by the decision log of its policy",
    "preset": "sign a preset that you changed by hand (preset sign FILE)",
    "benchmark": "measure env-steps per second",
    "train": "train a model with rl-zoo, on your own preset by --preset FILE",
    "zoo-config": "find the rl-zoo hyperparameters that ship with sb3_ecom",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its status (0), or 2 after a wrong input (one line on stderr)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["train"]:  # rl-zoo's own parser reads the rest, --help too
        options = argparse.Namespace(command="train", run=_train, arguments=arguments[1:])
    else:
        options = _make_parser(arguments).parse_args(arguments)
    try:
        status: int = options.run(options) or 0
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` closed our output
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("sb3-ecom: interrupted", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"sb3-ecom {options.command}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return status


def _train(options: argparse.Namespace) -> None:
    import_module("sb3_ecom.cli.train").train(options.arguments)


def _make_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sb3-ecom", description="E-commerce environments for Stable-Baselines3."
    )
    parser.add_argument("--version", action="version", version=f"sb3_ecom {sb3_ecom.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name in arguments and name != "train":  # the others stay unimported
            module = import_module(f"sb3_ecom.cli.{name.replace('-', '_')}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
