"""What a caller of a recommender holds: a visit, and the page to show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sb3_ecom.live.recommender import Recommender


@dataclass(frozen=True, kw_only=True)
class Slate:
    """A page to show.

    Attributes:
        event_id: names the page when its reward comes.
        items: at most K item ids, best first; fewer where nothing else may be shown.
        propensities: chance of each item, given those above it.
        policy: name and version of what decided.
        fallback: why the most popular items were shown in place of the policy's, or None.
    """

    event_id: str
    items: tuple[str, ...]
    propensities: tuple[float, ...]
    policy: str
    fallback: str | None = None


@dataclass(frozen=True)
class Visit:
    """One visitor's visit.

    Attributes:
        shop: that serves it.
        name: of the visit.
    """

    shop: Recommender
    name: str

    def recommend(self, *, candidates: Iterable[str] | None = None, exclude: Iterable[str] = ()) -> Slate:
        """Return the next page; earlier pages without a reward count as pages without a click.

        Args:
            candidates: the only items that may be shown; None: all on sale.
            exclude: items that may not be shown, such as those out of stock.

        Raises:
            ValueError: if the visit is closed or over, or a candidate is unknown.
        """
        return self.shop._visit_page(self.name, candidates, exclude)

    def reward(self, event_id: str, clicked: str | None = None, bought: bool = False) -> None:
        """Note what became of a page of this visit; see `Recommender.reward`."""
        if str(event_id).partition(":")[0] != self.name:
            raise ValueError(f"event {event_id!r} is of another visit than {self.name!r}")
        self.shop.reward(event_id, clicked, bought)

    def close(self) -> None:
        """End the visit: no further page; rewards may still come."""
        self.shop._close(self.name)
