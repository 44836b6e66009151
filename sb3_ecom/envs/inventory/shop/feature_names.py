"""Names of the floats that a shop's buyer sees and gives."""

from __future__ import annotations

from sb3_ecom.core.feature_names import FeatureNames
from sb3_ecom.core.spaces import Layout
from sb3_ecom.envs.inventory.shop.buyer_view import SHARED_CONTEXT
from sb3_ecom.envs.inventory.shop.demand_params import WEEK

_SHARED = (*WEEK, "sine of the season", "cosine of the season", "storage used", "storage used with orders")
_OWN = ("stock", "stock under way", "due in three days", "estimated rate", "cover until an order arrives")
_PROMOTED = ("rest of the promotion", "promotion in the time to cover")
_KNOWN = ("mean demand", "regularity of demand", "price")
_DAY = ("sales", "empty shelf")
_ACTIONS = {"reorder": ("reorder point", "order size"), "quantity": ("order",)}


def shop_names(items: tuple[str, ...], layout: Layout, action: str) -> FeatureNames:
    """Return the names of a shop's features.

    Args:
        items: N, their names.
        layout: of the observation.
        action: "reorder" or "quantity".
    """
    promoted = (layout.context - SHARED_CONTEXT) // len(items) > len(_OWN)
    own = _OWN + _PROMOTED if promoted else _OWN
    return FeatureNames(
        context=(*_SHARED, *(f"{name} of {item}" for name in own for item in items)),
        step=("validity", *(f"{name} of {item}" for name in _DAY for item in items)),
        event="day",
        action=tuple(f"{name} of {item}" for name in _ACTIONS[action] for item in items),
        items=items,
        row=(*_SHARED, *own, *_KNOWN),
        row_action=_ACTIONS[action],
    )
