"""Sorts the rows of a log into clicks and purchases."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.arrays import Mask

_YES = frozenset({"true", "t", "yes", "y", "bought"})
_NO = frozenset({"", "false", "f", "no", "n", "nan", "none", "null"})
# Names without case, spaces and punctuation, and without a plural's s.
_CLICK_EVENTS = frozenset(
    {"view", "click", "detail", "pageview", "productview", "itemview", "clickout", "viewitem", "itemclick"}
    | {"productclick", "viewproduct", "viewcontent", "productdetailview", "productviewed", "pv", "clickitem"}
)
_PURCHASE_EVENTS = frozenset(
    {"purchase", "transaction", "buy", "sale", "order", "purchased", "ordered", "sold", "orderplaced"}
    | {"completepurchase", "ordercompleted", "buyorder"}
)
_OTHER_EVENTS = frozenset(
    {"cart", "addtocart", "removefromcart", "cartadd", "basket", "addtobasket", "atc", "productadded"}
    | {"impression", "imp", "exposure", "shown", "display", "viewitemlist", "search", "searchitem"}
    | {"checkout", "begincheckout", "wishlist", "addtowishlist", "fav", "favorite", "favourite", "like"}
    | {"remove", "refund", "scroll", "login", "logout", "sessionstart", "rating", "interactionrating"}
)
_NAME = re.compile(r"[A-Za-z][\w .:/-]{0,30}|\d{1,2}")
_SHOWN_AT_LEAST = 5  # rows: a rarer name may be a cell of a shifted row


def _plain_event(label: str) -> str:
    """Return an event's name without case, spaces, punctuation and a plural's s."""
    name = re.sub(r"[\W_]+", "", label).lower()
    return name[:-1] if name.endswith("s") and len(name) > 3 else name


def is_flag(labels: Sequence[str]) -> bool:
    """Return whether a purchase column says yes or no, or how many, instead of naming events."""
    return all(_as_flag(label) is not None for label in labels)


def read_flags(labels: Sequence[str]) -> Mask:
    """Return which labels say that something was bought: yes, or a quantity above 0."""
    return np.array([bool(_as_flag(label)) for label in labels], dtype=bool)


def knows_any(labels: Sequence[str]) -> bool:
    """Return whether any label is the name of an event that is known."""
    return any(_plain_event(label) in _CLICK_EVENTS | _PURCHASE_EVENTS | _OTHER_EVENTS for label in labels)


def read_events(
    labels: Sequence[str],
    counts: NDArray[np.int64],
    click_events: Sequence[str] = (),
    purchase_events: Sequence[str] = (),
    column: str = "event",
) -> tuple[Mask, Mask]:
    """Return (is a click, is a purchase) of each label.

    Args:
        labels: distinct events.
        counts: rows of each.
        click_events: names that the user calls clicks; none: the well-known ones.
        purchase_events: likewise, of purchases.
        column: where they stand, for the message.

    Raises:
        ValueError: if a name is unknown and the user named none, or no row is a click; says what to type.
    """
    given = {_plain_event(name) for name in (*click_events, *purchase_events)}
    names = [_plain_event(label) for label in labels]
    bought_names = {_plain_event(name) for name in purchase_events} or _PURCHASE_EVENTS - given
    click_names = {_plain_event(name) for name in click_events} or _CLICK_EVENTS - given
    bought = np.array([name in bought_names for name in names], dtype=bool)
    clicked = np.array([name in click_names for name in names], dtype=bool) & ~bought
    if not clicked.any() and not click_events:  # "purchase" here and there, and nothing else: a mere mark
        rest = [name for name in names if name not in bought_names]
        clicked = np.array([name == "" for name in names], dtype=bool) & (set(rest) <= {""})
    strange = np.array(
        [n not in given | _CLICK_EVENTS | _PURCHASE_EVENTS | _OTHER_EVENTS | {""} for n in names]
    )
    if (strange.any() and not click_events) or not clicked.any():
        listed = _list(labels, counts, strange if strange.any() else np.ones(len(labels), dtype=bool))
        raise ValueError(
            f"column {column!r} (--event) names events that are not known as a click: {listed}; type "
            "--click-events NAME[,NAME] for those that are clicks (and --purchase-events NAME), all others "
            "are then left out"
        )
    return clicked, bought


def _as_flag(label: str) -> bool | None:
    text = label.strip().lower()
    if text in _YES or text in _NO:
        return text in _YES
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return bool(number > 0)


def _list(labels: Sequence[str], counts: NDArray[np.int64], rows: Mask) -> str:
    """List the frequent names with their rows; what may be a stray cell is only counted."""
    found = sorted(
        ((int(n), name) for n, name, asked in zip(counts, labels, rows, strict=True) if asked), reverse=True
    )
    shown = [(n, name) for n, name in found if n >= _SHOWN_AT_LEAST and _NAME.fullmatch(name)][:20]
    rest = sum(n for n, _ in found) - sum(n for n, _ in shown)
    parts = [f"{name} ({n:,} rows)" for n, name in shown]
    return ", ".join(parts + ([f"{rest:,} rows of other texts"] if rest else []))
