"""A trained policy in the shop: live forms, exported policies, exploration, decision log, visit stores.

Needs neither torch nor Stable-Baselines3; names are imported on first use.
"""

from __future__ import annotations

from sb3_ecom.core.lazy_exports import lazy_exports

#: Name that is exported -> module below `sb3_ecom.live`.
EXPORTS: dict[str, str] = {
    "Bid": "bidder",
    "Bidder": "bidder",
    "Day": "bidder",
    "DaySales": "planner",
    "Ledger": "planner",
    "Orders": "planner",
    "Planner": "planner",
    "Pricer": "pricer",
    "Prices": "pricer",
    "Recommender": "recommender",
    "SellingSeason": "pricer",
    "Slate": "visit",
    "TickReport": "bidder",
    "Visit": "visit",
}
__all__ = sorted(EXPORTS)

__getattr__, __dir__ = lazy_exports(__name__, globals(), EXPORTS)
