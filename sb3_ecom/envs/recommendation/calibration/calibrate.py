"""Fit EcomRec-v0 to a shop's click log: one row per click, as CSV (.gz too) or parquet, of any size.

A row needs a session, an item and a time (ISO 8601, dates with month names, YYYYMMDD, unix time in s, ms, us
or ns, days of Excel, or an order within the session). Category, price, position, purchase, event and visitor
are optional. Well-known column names are found; others are named by options:

  sb3-ecom calibrate recommendation clicks.csv --out my_shop.toml --session visit --item sku --time clicked_at

A log without sessions is parted into visits: --visitor user --session-gap 30.

Then gymnasium.make("EcomRec-v0", preset="my_shop.toml"). The TOML holds no id of a session or visitor, and
of the items a hash under a random key that is kept beside the log (--keep-item-ids keeps the ids). Beside
it the fidelity report says how well a simulation of the fitted visitors agrees with the log.
"""

from __future__ import annotations

import argparse
import datetime
import io
import secrets
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from sb3_ecom.core import fidelity
from sb3_ecom.core.console import make_console, say_next
from sb3_ecom.core.files import check_writable, write_whole
from sb3_ecom.core.tables.hashing import HELP as HASH_HELP
from sb3_ecom.core.tables.hashing import HashKey, hash_ids
from sb3_ecom.core.tables.options import add_reading_options, reading_options
from sb3_ecom.envs.recommendation.calibration import report
from sb3_ecom.envs.recommendation.calibration.click_log import COLUMNS, read_click_log
from sb3_ecom.envs.recommendation.calibration.click_rows import Cleaning, ClickLog
from sb3_ecom.envs.recommendation.calibration.figure import draw

SUMMARY = "EcomRec-v0 from a click log (session, item, time)"

_HELP = {
    "session": "column of the session (one visit)",
    "item": "column of the clicked item",
    "time": "column of the time or order",
    "category": "column of the item's category",
    "price": "column of the item's price",
    "position": "column of the slot in which the item was shown",
    "purchase": "column of the sale: bought or not (1/0, yes/no) or how many",
    "event": "column that says of each row whether it is a click, a purchase or something else",
    "visitor": "column of the visitor, to count how many clicked an item",
}
_NUMBERS = {
    "min-item-clicks": (Cleaning().min_item_clicks, "drop the clicks of rarer items"),
    "max-items": (Cleaning().max_items, "keep the most clicked items"),
    "max-sessions": (Cleaning().max_sessions, "fit a random sample of so many sessions"),
    "max-session-clicks": (Cleaning().max_session_clicks, "drop longer sessions"),
    "min-item-visitors": (Cleaning().min_item_visitors, "drop items of fewer visitors (or sessions)"),
    "seed": (0, "of sample, fit and simulation"),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a calibration beside those of reading the log."""

    seed: int = 0
    sessions_simulated: int | None = None  # for the report; None: as many as the log has
    memory: bool = True  # train the two next-item models of the memory line on both logs
    keep_item_ids: bool = False
    hash_key: HashKey | None = None  # of the item ids, unless they are kept
    source: str = ""  # citation and licence of the log, for the preset
    progress: bool = True

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed must be >= 0, got {self.seed}")
        if self.sessions_simulated is not None and self.sessions_simulated < 100:
            raise ValueError(f"sessions_simulated must be >= 100, got {self.sessions_simulated}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("log", metavar="LOG", type=Path, help="CSV or parquet, one row per click")
    parser.add_argument("--out", type=Path, required=True, metavar="TOML", help="where the preset is written")
    parser.add_argument("--report", type=Path, metavar="DIR", help="of the report (default: <out>_report)")
    add_reading_options(parser, COLUMNS, _HELP)
    what = parser.add_argument_group("what is fitted and written")
    for name, (default, text) in _NUMBERS.items():
        text = f"{text} (default %(default)s)"
        what.add_argument(f"--{name}", type=int, default=default, metavar="N", help=text)
    what.add_argument(
        "--session-gap",
        type=float,
        metavar="MINUTES",
        help="end a visit after so many minutes without an event; the visitor's column then does for a "
        "session (default: a session is one visit)",
    )
    what.add_argument(
        "--sessions-simulated", type=int, metavar="N", help="for the report (default: as many as the log has)"
    )
    what.add_argument(
        "--keep-item-ids",
        action="store_true",
        help="write item ids and names of categories as they are (default: hashes and numbers)",
    )
    what.add_argument("--hash-key", type=Path, metavar="FILE", help=HASH_HELP)
    for kind in ("click", "purchase"):
        known = "default: the well-known names; all others are left out"
        what.add_argument(f"--{kind}-events", metavar="NAME,...", help=f"events that are a {kind} ({known})")
    what.add_argument(
        "--source",
        default="",
        metavar="TEXT",
        help="where the log is from, and its licence (default: not said)",
    )
    what.add_argument(
        "--no-memory",
        action="store_true",
        help="skip the two next-item models of the report (default: train them)",
    )


def run(options: argparse.Namespace) -> None:
    """Read, fit, simulate, compare and write."""
    cleaning = Cleaning(
        min_item_clicks=options.min_item_clicks,
        max_items=options.max_items,
        max_sessions=options.max_sessions,
        max_session_clicks=options.max_session_clicks,
        min_item_visitors=options.min_item_visitors,
        click_events=_split(options.click_events),
        purchase_events=_split(options.purchase_events),
        session_gap=options.session_gap,
        seed=options.seed,
    )
    settings = Settings(
        seed=options.seed,
        sessions_simulated=options.sessions_simulated,
        memory=not options.no_memory,
        keep_item_ids=options.keep_item_ids,
        source=options.source,
        progress=sys.stderr.isatty(),
    )
    names = {column.option: getattr(options, column.option) for column in COLUMNS}
    check_writable(options.out, ".toml")
    folder = options.report or options.out.with_name(f"{options.out.stem}_report")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--report must be a folder, {folder} is none")
    log = read_click_log(options.log, names, cleaning, **reading_options(options, local=False))
    console = make_console(markup=False, soft_wrap=True)
    _print_log(console, log)
    if not settings.keep_item_ids:
        settings = replace(settings, hash_key=HashKey.find(options.hash_key, options.log, options.out))
    lines = calibrate(log, options.log.name, options.out, folder, settings)
    console.print(fidelity.format_table(lines))
    console.print(fidelity.summarise(lines))
    for reason in fidelity.format_reasons(lines):
        console.print(reason)
    console.print(f"wrote {options.out} and {folder}/fidelity.md, .json, .png")
    out = shlex.quote(str(options.out))
    say_next(f"evaluate EcomRec-v0 --preset {out} --baseline all", f"train --env EcomRec-v0 --preset {out}")


def calibrate(log: ClickLog, name: str, out: Path, folder: Path, settings: Settings) -> list[fidelity.Line]:
    """Fit a log and write preset and report; return the report's lines.

    Args:
        log: clean sessions.
        name: of the log, as the preset's source.
        out: the preset, written last: where it stands, all is well.
        folder: of fidelity.md, .json and .png; made if absent.
        settings: seed, simulation and ids.
    """
    from sb3_ecom.envs.recommendation.calibration import fit

    key = None if settings.keep_item_ids else settings.hash_key or HashKey(secrets.token_bytes(32))
    ids = log.item_ids if key is None else hash_ids(log.item_ids, key.value)
    sessions = fit.Sessions(
        session=log.session,
        item=log.item,
        num_items=log.num_items,
        categories=log.categories if "category" in log.columns else None,
        prices=log.prices,
        item_ids=tuple(ids),
    )
    print("fitting ...")
    result = fit.fit(sessions, seed=settings.seed, progress=settings.progress)
    params, errors = _with_purchases(log, result.params, dict(result.standard_errors), settings.seed)
    print(f"note: {result.shrinkage}")
    # As many as the log has: a model of the memory line learns more from more sessions.
    count = settings.sessions_simulated or log.num_sessions
    print(f"simulating {count:,} sessions ...")
    simulated = fit.simulate_log(params, count, settings.seed)
    memory = _memory(fit, sessions, settings), _memory(fit, simulated, settings)
    lines = report.compare_logs(sessions, simulated, fit.statistics, memory, settings.seed)
    fidelity.check_means(lines, ("clicks per session, mean",), "give more sessions, or check --session")
    source = _describe(log, name, settings)
    preset = fit.format_preset(params, source, errors, ids)
    image = io.BytesIO()
    draw(image, sessions, simulated, f"{name}: {log.num_sessions:,} sessions, {log.num_items:,} items")
    if key is not None:
        key.save()
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "fidelity.png", image.getvalue())
    notes = [*log.notes, result.shrinkage]
    write_whole(folder / "fidelity.json", fidelity.format_json(lines, source, notes).encode())
    page = fidelity.format_markdown(lines, source, notes, "![log and simulation](fidelity.png)")
    write_whole(folder / "fidelity.md", page.encode())
    write_whole(out, preset.encode())
    return lines


def _memory(fit: Any, sessions: Any, settings: Settings) -> dict[str, float]:
    """Return how well two next-item models predict the log, and what the history is worth."""
    if not settings.memory:
        return {}
    print("training two next-item models for the memory line (--no-memory skips them) ...")
    last, history = fit.memory_gap(sessions, seed=settings.seed)
    return {
        "next-item NLL, last item": last,
        "next-item NLL, GRU": history,
        "memory gap": last - history,
    }


def _with_purchases(
    log: ClickLog, params: Any, errors: dict[str, Any], seed: int
) -> tuple[Any, dict[str, Any]]:
    """Fit the level of purchases too, where the log tells them."""
    share = 0.0 if log.purchases is None else float(log.purchases.mean())
    if not 0 < share < 1:
        return params, errors
    from sb3_ecom.envs.recommendation.calibration.purchases import match_purchases

    params, errors["buy_base"] = match_purchases(params, share, len(log.item), seed)
    return params, errors


def _describe(log: ClickLog, name: str, settings: Settings) -> dict[str, Any]:
    """Return the preset's source: what was read, what was used, and when."""
    source: dict[str, Any] = {
        "log": name,
        **({"source": settings.source} if settings.source else {}),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "rows_read": log.rows_read,
        "clicks": len(log.item),
        "sessions": log.num_sessions,
        "items": log.num_items,
        "seed": settings.seed,
        "item_ids": "kept" if settings.keep_item_ids else "HMAC-SHA256",
    }
    if settings.keep_item_ids and "category" in log.columns:
        source["category_names"] = list(map(str, log.category_ids))
    if log.purchases is not None:
        source["purchases_per_click"] = round(float(log.purchases.mean()), 5)
    if log.mean_position is not None:
        source["mean_position"] = round(log.mean_position, 3)
    return {**source, "columns": dict(log.columns), "dropped": dict(log.dropped)}


def _split(names: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())


def _print_log(console: Console, log: ClickLog) -> None:
    for option, name in log.columns.items():
        console.print(f"took column {name!r} for {option}")
    for unused in log.unused:
        console.print(unused)
    used = f"{len(log.item):,} clicks, {log.num_sessions:,} sessions, {log.num_items:,} items"
    console.print(f"{log.rows_read:,} rows read; used: {used}")
    for reason, count in log.dropped.items():
        console.print(f"  dropped, {reason}: {count}")
    for note in log.notes:
        console.print(f"  note: {note}")
