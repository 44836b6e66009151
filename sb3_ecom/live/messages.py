"""Bodies of the service's requests and answers; unknown fields are errors."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sb3_ecom.live.recommender import Recommender
from sb3_ecom.live.visit import Slate


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OpenVisit(_Strict):
    """A visit that begins."""

    landing: str | None = Field(None, description="item on which the visitor landed", examples=["A13"])
    hour: float | None = Field(None, description="local time of day in [0, 24); none: now", examples=[14.5])
    visit: str | None = Field(None, description="name of the visit; none: made up")


class Opened(BaseModel):
    """The visit that was begun."""

    visit: str


class PageRequest(_Strict):
    """A page of a visit that was opened, or for a visitor whose clicks the caller remembers."""

    visit: str | None = None
    clicks: list[str] | None = Field(None, description="in their order; in place of `visit`")
    hour: float | None = Field(None, description="with `clicks`: local time of day in [0, 24)")
    candidates: list[str] | None = Field(None, description="the only items that may be shown")
    exclude: list[str] = Field(default_factory=list, description="such as items out of stock")

    def ask(self, shop: Recommender) -> Slate:
        """Return the page.

        Raises:
            ValueError: unless one of visit and clicks is given.
        """
        if (self.visit is None) == (self.clicks is None):
            raise ValueError("either visit or clicks must be given")
        if self.visit is not None:
            if self.hour is not None:
                raise ValueError("hour is given when a visit is opened, not with a page of it")
            return shop.visit(self.visit).recommend(candidates=self.candidates, exclude=self.exclude)
        return shop.recommend(
            self.clicks or (), hour=self.hour, candidates=self.candidates, exclude=self.exclude
        )


class Page(BaseModel):
    """A page to show."""

    event_id: str = Field(description="names the page in /record")
    items: tuple[str, ...] = Field(description="best first")
    propensities: tuple[float, ...] = Field(description="of each item, given those above it")
    policy: str
    fallback: str | None = Field(description="why popular items were shown in place of the policy's")


class Reward(_Strict):
    """What became of a page."""

    event_id: str
    clicked: str | None = None
    bought: bool = False


class Catalogue(_Strict):
    """All items on sale."""

    items: list[dict[str, Any]] = Field(description="rows with item, category, price and perhaps text")
    new_share: float = Field(0.05, description="chance that the last slot shows a new item drawn at random")


class Reload(_Strict):
    """A policy folder beside the present one; none: the present one again."""

    folder: str | None = None


class OpenDay(_Strict):
    """A campaign's day that begins."""

    budget: float = Field(description="of the day, in the currency of the preset's prices")
    day: str | None = Field(None, description="date, kept as a label")
    target: float | None = Field(None, description="money per conversion; of EcomAdsAuto-v0 alone")
    auctions_per_day: float | None = Field(None, description="auctions that a mean day offers the campaign")
    multiplier: float = Field(1.0, description="of the last tick of the day before")


class BidRequest(_Strict):
    """The bid of the next tick."""

    campaign: str
    report: dict[str, Any] | None = Field(
        None,
        description="of the last tick: impressions, wins, spend, clicks, conversions; none at the start",
        examples=[{"impressions": 400, "wins": 120, "spend": 0.31, "clicks": 3, "conversions": 0}],
    )


class LateReport(_Strict):
    """A report that comes after the bids that followed it."""

    campaign: str
    report: dict[str, Any]


class OrdersRequest(_Strict):
    """A shop's morning."""

    stock: dict[str, float] = Field(description="units on the shelf by SKU, all of them")
    on_order: list[tuple[str, float, str]] = Field(default_factory=list, description="[SKU, units, date due]")
    sales: list[list[Any]] | None = Field(
        None, description="[date, {SKU: units}, SKUs with an empty shelf], oldest first, up to yesterday"
    )
    today: str | None = Field(None, description="date; none: the computer's")
    promotions: list[tuple[str, str]] = Field(default_factory=list, description="[SKU, first day]")


class OpenSeason(_Strict):
    """A season that begins."""

    stock: dict[str, float] = Field(description="units by SKU, all of them")


class PricesRequest(_Strict):
    """The prices of the next period."""

    season: str
    sales: dict[str, float] | None = Field(
        None, description="units sold in the period that ended, by SKU; none before the first"
    )
    stock: dict[str, float] | None = Field(
        None, description="units left by SKU, where they are not what was there less the sales"
    )
