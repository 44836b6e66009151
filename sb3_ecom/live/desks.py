"""Bids and orders as a service gives them: running campaigns in a store, every decision in the log."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sb3_ecom.live.bidder import Bid, Bidder, Day
from sb3_ecom.live.decision_log import Decision, DecisionLog
from sb3_ecom.live.planner import Orders, Planner
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
