"""Speed on this machine: of the environments, of training, of the device, of a served policy.

    python benchmarks/speed.py environments              # every id, all ways to step it
    python benchmarks/speed.py environments --against f2b15a3
    python benchmarks/speed.py training EcomRec-v0       # the zoo entry against the literal rl_zoo3.train
    python benchmarks/speed.py device                    # PPO end to end, CPU and GPU
    python benchmarks/speed.py serve                     # latency of a served policy over loopback

One thread of torch and of BLAS, unless a command says otherwise. Let nothing else run beside it.
"""

from __future__ import annotations

import argparse
import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import speed_device
import speed_environments
import speed_serve
import speed_training

COMMANDS = {
    "environments": speed_environments,
    "training": speed_training,
    "device": speed_device,
    "serve": speed_serve,
}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        text = module.__doc__ or ""
        command = commands.add_parser(name, help=text.splitlines()[0], description=text, formatter_class=raw)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main() -> None:
    """Run the command."""
    options = make_parser().parse_args()
    try:
        options.run(options)
    except ValueError as error:
        sys.exit(f"speed.py {options.command}: {error}")


if __name__ == "__main__":
    main()
