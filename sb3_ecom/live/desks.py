"""Bids, orders and prices as a service gives them: what runs in a store, every decision in the log."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sb3_ecom.live.bidder import Bid, Bidder, Day
from sb3_ecom.live.decision_log import Decision, DecisionLog
from sb3_ecom.live.planner import Orders, Planner
from sb3_ecom.live.pricer import Pricer, Prices
from sb3_ecom.live.tick_report import TickReport
from sb3_ecom.live.visit_store import UnknownVisitError, VisitStore


class BidDesk:
    """Bids for the days of campaigns.

    Args:
        bidder: that decides.
        store: of the running days.
        log: of decisions, or None.
    """

    def __init__(self, bidder: Bidder, store: VisitStore, log: DecisionLog | None = None) -> None:
        self.bidder, self._store, self._log = bidder, store, log

    def open(self, budget: float, **options: Any) -> str:
        """Open a campaign's day and return its name; options are those of `Bidder.open`."""
        day = self.bidder.open(budget, **options)
        name = secrets.token_hex(8)
        self._store.put(name, day.to_record())
        return name

    def bid(self, campaign: str, report: Mapping[str, Any] | None = None) -> Bid:
        """Take note of the last tick's report and return the bid of the next; see `Day.bid`.

        Raises:
            ValueError: if the campaign is unknown, or as `Day.bid`.
        """
        with self._store.lock(campaign):
            day = self._day(campaign)
            bid = day.bid(None if report is None else TickReport.from_record(report))
            if self._log is not None:
                self._log.append(
                    Decision(
                        event_id=f"{campaign}:{bid.tick}:{secrets.token_hex(4)}",
                        visit=campaign,
                        time=time.time(),
                        number=bid.tick,
                        policy=bid.policy,
                        explore="none",
                        context={"report": None if report is None else dict(report)},
                        decision=asdict(bid),
                    )
                )
            self._store.put(campaign, day.to_record())
        return bid

    def note(self, campaign: str, report: Mapping[str, Any]) -> list[str]:
        """Take note of a late report; return what had to be assumed; see `Day.note`."""
        with self._store.lock(campaign):
            day = self._day(campaign)
            notes = day.note(TickReport.from_record(report))
            self._store.put(campaign, day.to_record())
        return notes

    def _day(self, campaign: str) -> Day:
        record = self._store.get(campaign)
        if record is None:
            raise UnknownVisitError(f"campaign {campaign!r} is unknown, or its time is over")
        return self.bidder.restore(record)


class PriceDesk:
    """Prices for a shop's seasons.

    Args:
        pricer: that decides.
        store: of the running seasons.
        log: of decisions, or None.
    """

    def __init__(self, pricer: Pricer, store: VisitStore, log: DecisionLog | None = None) -> None:
        self.pricer, self._store, self._log = pricer, store, log

    def open(self, stock: Mapping[str, float]) -> str:
        """Open a season with these units by SKU and return its name; see `Pricer.open`."""
        season = self.pricer.open(stock)
        name = secrets.token_hex(8)
        self._store.put(name, season.to_record())
        return name

    def prices(
        self,
        season: str,
        sales: Mapping[str, float] | None = None,
        stock: Mapping[str, float] | None = None,
    ) -> Prices:
        """Take note of the last period's sales and return the next prices; see `SellingSeason.prices`.

        Raises:
            ValueError: if the season is unknown, or as `SellingSeason.prices`.
        """
        with self._store.lock(season):
            record = self._store.get(season)
            if record is None:
                raise UnknownVisitError(f"season {season!r} is unknown, or its time is over")
            running = self.pricer.restore(record)
            prices = running.prices(sales, stock)
            if self._log is not None:
                self._log.append(
                    Decision(
                        event_id=f"{season}:{prices.period}:{secrets.token_hex(4)}",
                        visit=season,
                        time=time.time(),
                        number=prices.period,
                        policy=prices.policy,
                        explore="none",
                        context={"sales": sales, "stock": stock},
                        decision={"prices": dict(prices), "reason": prices.reason},
                    )
                )
            self._store.put(season, running.to_record())
        return prices


class OrderDesk:
    """Orders of a shop's mornings.

    Args:
        planner: that decides.
        log: of decisions, or None.
    """

    def __init__(self, planner: Planner, log: DecisionLog | None = None) -> None:
        self.planner, self._log = planner, log

    def orders(
        self,
        stock: Mapping[str, float],
        on_order: Sequence[Sequence[Any]] = (),
        sales: Sequence[Sequence[Any]] | None = None,
        today: str | None = None,
        promotions: Sequence[Sequence[Any]] = (),
    ) -> Orders:
        """Return what to order this morning; see `Planner.orders`."""
        orders = self.planner.orders(
            stock,
            [_open_order(each) for each in on_order],
            sales,
            today=today,
            promotions=[(str(sku), day) for sku, day in promotions],
        )
        if self._log is not None:
            morning = secrets.token_hex(8)
            context = {"stock": dict(stock), "on_order": list(on_order), "today": today}
            self._log.append(
                Decision(
                    event_id=f"{morning}:0",
                    visit=morning,
                    time=time.time(),
                    number=0,
                    policy=orders.policy,
                    explore="none",
                    context=context,
                    fallback=None,
                    decision={"orders": dict(orders), "reason": orders.reason},
                )
            )
        return orders


def _open_order(row: Sequence[Any]) -> tuple[str, float, Any]:
    if isinstance(row, str) or len(row) != 3:
        raise ValueError(f"an open order must be [SKU, units, date due], got {row!r}")
    sku, units, due = row
    return str(sku), units, due
