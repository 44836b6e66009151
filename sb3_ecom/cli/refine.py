"""`refine`: a shop's preset refined by the pages that its policy served."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from rich import box
from rich.table import Table

from sb3_ecom.core.console import make_console, working
from sb3_ecom.core.files import check_writable, write_whole
from sb3_ecom.envs.recommendation.session.presets import format_preset, load_preset
from sb3_ecom.live.refine import refine_by_log
from sb3_ecom.logs.decisions import read_pages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = "example: sb3-ecom refine decisions/ --preset my_shop.toml --out my_shop_2.toml"
    parser.add_argument("log", metavar="LOG", help="folder that `serve --log` wrote")
    parser.add_argument(
        "--preset",
        default="eshop",
        metavar="FILE",
        help="that the policy was trained on (default %(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="TOML", help="where the preset is written")
    parser.add_argument("--seed", type=int, default=0, help="of the visits held out (default %(default)s)")


def run(options: argparse.Namespace) -> None:
    """Refine, write and say what changed."""
    check_writable(options.out, ".toml")
    visits = read_pages(options.log)
    params = load_preset(options.preset)
    with working("refining"):
        found = refine_by_log(params, visits, seed=options.seed)
    source = {
        "source": params.source or str(options.preset),
        "refined_by": "a decision log",
        "date": datetime.date.today().isoformat(),
        "visits": len(visits),
        "pages": found.pages,
    }
    write_whole(options.out, format_preset(found.params, source, found.standard_errors).encode())
    table = Table("", "before", "refined", "s.e.", box=box.SIMPLE)
    for name, error in found.standard_errors.items():
        values = (getattr(each, name, None) for each in (params, found.params))
        table.add_row(name, *("" if value is None else f"{value:.4g}" for value in values), f"{error:.2g}")
    console = make_console()
    console.print(table)
    console.print(
        f"clicks of held-out visits: {found.before:.4f} nats a page before, {found.after:.4f} refined; "
        f"{found.pages:,} pages of {len(visits):,} visits"
    )
    console.print(f"wrote {options.out}")
    console.print(f"next: python -m sb3_ecom train --env EcomRec-v0 --preset {options.out}")
