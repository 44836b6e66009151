"""From the table of a shop's click log to clean sessions of numbered items."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sb3_ecom.core.tables.reader import Column, read_table
from sb3_ecom.envs.recommendation.calibration.click_rows import Cleaning, ClickLog, ClickRows

COLUMNS = (
    Column(
        option="session", kind="id", names=("session_id", "session", "sid", "visit_id", "visitid", "sessid")
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
        keep_missing=True,
    ),
    Column(
        option="price",
        kind="number",
        names=("price", "unit_price", "item_price", "amount"),
        required=False,
        keep_missing=True,
    ),
    Column(
        option="position",
        kind="number",
        names=("position", "rank", "slot"),
        required=False,
        keep_missing=True,
    ),
    Column(
        option="purchase",
        kind="id",
        names=("purchase", "purchased", "bought", "event_type", "event"),
        required=False,
        keep_missing=True,
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
        **reading: encoding, time_format and progress of `read_table`.

    Raises:
        ValueError: if the log can not be read, or what is left has too few items, sessions or clicks.
    """
    table = read_table(path, COLUMNS, names, **reading)
    rows = ClickRows(table)
    rows.sort_by_time()
    rows.drop_duplicates()
    rows.take_purchases()
    rows.drop_rare_items(cleaning)
    rows.sample_sessions(cleaning)
    rows.check(path)
    return rows.finish()


def hash_ids(ids: list[str], salt: str = "") -> list[str]:
    """Return the first 12 hex digits of sha256(salt + id): the same id gives the same text in every run.

    A shop can join them to its own catalogue again. Without a secret salt, so can anyone who knows the ids.
    """
    for digits in (12, 64):
        hashed = [hashlib.sha256((salt + text).encode()).hexdigest()[:digits] for text in ids]
        if len(set(hashed)) == len(hashed):
            break
    return hashed
