"""A trained policy in the shop: live forms, exported policies, exploration, decision log, visit stores.

Needs neither torch nor Stable-Baselines3; names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: Name that is exported -> module below `sb3_ecom.live`.
EXPORTS: dict[str, str] = {
    "Bid": "bidder",
    "Bidder": "bidder",
    "Day": "bidder",
    "DaySales": "planner",
    "Ledger": "planner",
    "Orders": "planner",
    "Planner": "planner",
    "Recommender": "recommender",
    "Slate": "recommender",
    "TickReport": "bidder",
    "Visit": "recommender",
}
__all__ = sorted(EXPORTS)


def __getattr__(name: str) -> Any:
    """Import an exported name from its module."""
    if name not in EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{EXPORTS[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return what can be imported from here."""
    return sorted({*globals(), *__all__})
