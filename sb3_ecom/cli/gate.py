"""`gate`: exit status 0 only if a candidate is shown to earn more than the log's policy."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from sb3_ecom.cli.judge import add_log_arguments, judge_log, show
from sb3_ecom.core.checks import check_number
from sb3_ecom.core.console import say_next
from sb3_ecom.live.manifest import FILE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = "example: sb3-ecom gate decisions/ --model policy/ --min-ess 500 && deploy"
    add_log_arguments(parser)
    parser.add_argument(
        "--min-ess",
        type=float,
        default=500.0,
        metavar="PAGES",
        help="pages that the weights must be worth (default %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Judge; return 0 if the lower limit of the difference lies above 0 and enough pages count, else 1."""
    check_number("--min-ess", options.min_ess, low=0, unit="pages")
    candidate, found = judge_log(options)
    show(candidate, found, options.reward_of, options.level)
    if found.passes(options.min_ess):
        print(f"pass: at least {found.difference.low:+.4f} {options.reward_of} a page more than logged")
        if options.model is not None:
            exported = (Path(options.model) / FILE).is_file()
            more = ["--log", "decisions/"] if exported else ["--out", "policy/"]
            say_next(shlex.join(["serve" if exported else "export", options.model, *more]))
        return 0
    if found.effective_pages < options.min_ess:
        print(
            f"stop: the log is worth {found.effective_pages:,.0f} pages for this policy, --min-ess asks for "
            f"{options.min_ess:,.0f}: serve longer, or with more exploration"
        )
    else:
        print(f"stop: the lower limit of the difference is {found.difference.low:+.4f}, not above 0")
    return 1
