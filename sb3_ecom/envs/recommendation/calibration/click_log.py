"""From the table of a shop's click log to clean sessions of numbered items."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sb3_ecom.core.tables.files import find_column, open_table
from sb3_ecom.core.tables.reader import Column, read_table
from sb3_ecom.envs.recommendation.calibration.click_rows import (
    WEAK_EVENT_NAMES,
    Cleaning,
    ClickLog,
    ClickRows,
)

COLUMNS = (
    Column(
        option="session",
        kind="id",
        names=("session_id", "session", "sid", "visit_id", "sessid", "user_session", "ga_session_id"),
    ),
    Column(
        option="item",
        kind="id",
        names=(
            "item_id",
            "item",
            "product_id",
            "product",
            "sku",
            "article_id",
            "article",
            "stock_code",
            "asin",
        ),
    ),
    Column(
        option="time",
        kind="time",
        names=(
            "timestamp",
            "time",
            "datetime",
            "event_time",
            "event_timestamp",
            "ts",
            "date_time",
            "eventdate",
            "date",
            "order",
        ),
    ),
    Column(
        option="category",
        kind="id",
        names=("category_id", "category", "category_code", "department", "product_category"),
        required=False,
    ),
    Column(
        option="price",
        kind="number",
        names=("price", "unit_price", "item_price", "product_price"),
        required=False,
    ),
    Column(
        option="position",
        kind="number",
        names=("position", "rank", "slot"),
        required=False,
    ),
    Column(
        option="purchase",
        kind="id",
        names=("purchase", "purchased", "bought"),
        required=False,
    ),
    Column(
        option="event",
        kind="id",
        names=("event_type", "event", "event_name", "behavior_type", "behavior", *WEAK_EVENT_NAMES),
        required=False,
    ),
    Column(
        option="visitor",
        kind="id",
        names=(
            "visitor_id",
            "visitor",
            "user_id",
            "user",
            "customer_id",
            "customer",
            "uid",
            "user_pseudo_id",
        ),
        required=False,
    ),
)


def read_click_log(
    path: str | Path, names: Mapping[str, str | None], cleaning: Cleaning, **reading: Any
) -> ClickLog:
    """Read and clean a log.

    Args:
        path: CSV or parquet.
        names: option -> column name, where it is not a well-known one.
        cleaning: what to leave out.
        **reading: encoding, times, decimal and progress of `read_table`.

    Raises:
        ValueError: if the log can not be read, or what is left has too few items, sessions or clicks.
    """
    if cleaning.session_gap is not None:
        names = _take_visitor(path, names, reading.get("encoding", "utf-8"))
    table = read_table(path, COLUMNS, names, **reading)
    rows = ClickRows(table, {option for option, name in names.items() if name is not None})
    rows.sort_by_time()
    rows.split_sessions(cleaning.session_gap)
    rows.drop_duplicates()
    rows.take_events(cleaning)
    rows.drop_long_sessions(cleaning)
    rows.check_sessions(path)
    rows.drop_rare_items(cleaning)
    rows.drop_private_items(cleaning)
    rows.sample_sessions(cleaning)
    rows.drop_private_items(cleaning)
    rows.check(path)
    return rows.finish()


def _take_visitor(
    path: str | Path, names: Mapping[str, str | None], encoding: str
) -> Mapping[str, str | None]:
    """Take the visitor for the session, where the log has none."""
    known = {column.option: column.names for column in COLUMNS}
    header = open_table(path, encoding).names
    if names.get("session") is not None or find_column(header, known["session"]) is not None:
        return names
    return {**names, "session": names.get("visitor") or find_column(header, known["visitor"])}
