"""Tracking where a warehouse's own stock report says all that matters of the past."""

from __future__ import annotations

from typing import Any


class StockReportTracker:
    """Keeps the last stock report as it is; a subclass decodes actions and makes observations of it.

    The event is the report when a period opens: units on hand, and on order by arrival. Only the demand to
    come is hidden.
    """

    def open(self, event: Any, tables: Any) -> Any:
        """Return the report with which n episodes open."""
        return event

    def note(self, tracked: Any, decision: Any, event: Any, tables: Any) -> Any:
        """Return the report after the period."""
        return event
