"""`calibrate`: one sub-command per domain that has a `calibration` package."""

from __future__ import annotations

import argparse
import importlib.util
import pkgutil
from importlib import import_module

from sb3_ecom import envs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a sub-command for every domain whose `calibration` has `SUMMARY`, `add_arguments` and `run`."""
    domains = parser.add_subparsers(dest="domain", metavar="DOMAIN", required=True)
    for name in find_domains():
        module = import_module(f"{envs.__name__}.{name}.calibration")
        domain = domains.add_parser(
            name,
            help=module.SUMMARY,
            description=import_module(f"{module.__name__}.calibrate").__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(domain)
        domain.set_defaults(calibrate=module.run)


def run(options: argparse.Namespace) -> None:
    """Run the domain's calibration."""
    options.calibrate(options)


def find_domains() -> list[str]:
    """Return the domains that read a log."""
    found = [module.name for module in pkgutil.iter_modules(envs.__path__) if module.ispkg]
    return [
        name for name in found if importlib.util.find_spec(f"{envs.__name__}.{name}.calibration") is not None
    ]
