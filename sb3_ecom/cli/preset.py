"""`preset sign`: state anew, in a preset that was changed by hand, the hash of its content."""

from __future__ import annotations

import argparse
from pathlib import Path

from sb3_ecom.core.files import write_whole
from sb3_ecom.core.preset_text import sign_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = "example: sb3-ecom preset sign my_shop.toml"
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "write the hash of a preset's content into it, after you changed it on purpose"
    sign = actions.add_parser("sign", help=text, description=f"{text[0].upper()}{text[1:]}.")
    sign.add_argument("files", nargs="+", type=Path, metavar="FILE", help="preset, a TOML file")


def run(options: argparse.Namespace) -> None:
    """Sign the files."""
    for path in options.files:
        try:
            signed = sign_text(path.read_text(encoding="utf-8"))
        except ValueError as error:  # of TOML and of the encoding too
            raise ValueError(f"{path}: {error}") from error
        write_whole(path, signed.encode())
        print(f"signed {path}")
