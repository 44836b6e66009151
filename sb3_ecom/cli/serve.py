"""`serve`: an exported policy over HTTP."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sb3_ecom.cli.arguments import import_packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = (
        "example: sb3-ecom serve policy/ --log decisions/ --explore epsilon:0.05\n"
        "then:    curl -s localhost:8000/recommend -H 'content-type: application/json' "
        '-d \'{"clicks": ["A13"]}\''
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("policy", metavar="FOLDER", help="that `sb3-ecom export` wrote")
    parser.add_argument("--log", metavar="FOLDER", help="decision log (default: none is written)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="(default %(default)s)")
    parser.add_argument(
        "--explore",
        default="none",
        metavar="KIND",
        help="none, epsilon:E or plackett-luce:TEMPERATURE (default %(default)s)",
    )
    parser.add_argument(
        "--shadow",
        metavar="RULE",
        help="serve this baseline (or FILE.py:NAME) and only log what the policy would do (default: none)",
    )
    parser.add_argument(
        "--state",
        default="memory",
        metavar="WHERE",
        help="of visits: memory or redis://... (default %(default)s)",
    )
    parser.add_argument(
        "--time-to-live",
        type=float,
        default=1800.0,
        metavar="SECONDS",
        help="that a visit is kept after its last page (default %(default)s)",
    )
    parser.add_argument(
        "--item-ids",
        metavar="FILE",
        help="the shop's ids, one a line, where the preset has hashes (default: the preset's own)",
    )
    parser.add_argument(
        "--hash-key", metavar="FILE", help="key of those hashes, written by calibrate (default: none)"
    )
    parser.add_argument("--seed", type=int, help="of exploration (default: of the operating system)")
    parser.add_argument(
        "--gym-packages",
        nargs="+",
        default=[],
        metavar="MODULE",
        help="modules to import first: your own ids (default: none)",
    )


def run(options: argparse.Namespace) -> None:
    """Serve until stopped."""
    from sb3_ecom.cli.rules import find_rule
    from sb3_ecom.live.service import Service, serve

    import_packages(options.gym_packages)
    ids = None
    if options.item_ids is not None:
        ids = [line for line in Path(options.item_ids).read_text(encoding="utf-8").splitlines() if line]
    service = Service(
        options.policy,
        log=options.log,
        state=options.state,
        time_to_live=options.time_to_live,
        explore=options.explore,
        shadow=None if options.shadow is None else find_rule(options.shadow),
        item_ids=ids,
        hash_key=options.hash_key,
        seed=options.seed,
    )
    where = f"http://{options.host}:{options.port}"
    print(f"serving {service.policy} on {where} (docs: {where}/docs)", file=sys.stderr, flush=True)
    serve(service, options.host, options.port)
