"""Packages of an extra: one that is missing is told apart from one that is installed and broken."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def import_extra(module: str, extra: str, purpose: str) -> Any:
    """Import a module of an optional package.

    Args:
        module: dotted name, ``captum.attr``.
        extra: of this package that brings it.
        purpose: what needs it, for the message.

    Raises:
        ImportError: if the package is missing, with what to install; or if it is there and does not import
            (another version of something that it needs), with its own error.
    """
    package = module.partition(".")[0]
    try:
        import_module(package)
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name == package:
            raise ImportError(f"{purpose} needs {package}: pip install 'sb3-ecom[{extra}]'") from error
        raise ImportError(_broken(package, purpose, error)) from error
    except Exception as error:  # a broken build raises anything
        raise ImportError(_broken(package, purpose, error)) from error


def _broken(package: str, purpose: str, error: Exception) -> str:
    why = f"{type(error).__name__}: {error}"
    return (
        f"{purpose} needs {package}, which is installed but does not import ({why}): "
        f"pip install --upgrade --force-reinstall {package}, or what it names"
    )
