"""Open a CSV or parquet table of any size as a stream of record batches."""

from __future__ import annotations

import contextlib
import csv
import difflib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from sb3_ecom.core.tables.csv_layout import Layout, read_layout

_BATCH_ROWS = 1 << 16
_BLOCK_BYTES = 4 << 20
_CURRENCY = re.compile(r"\s*[(\[]\s*(?:[A-Z]{3}|[$€£¥₹₽₩₺])\s*[)\]]\s*$")  # "Amount spent (EUR)"
_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet", ".pq")


@dataclass
class TableFile:
    """A table that is open for one pass.

    Attributes:
        names: the columns found, in order.
        size: bytes on disk.
        position: bytes of the file that were read so far.
        batches: `batches(names)` yields record batches of these columns.
        malformed: rows (counted from 1 below the header) whose number of fields is wrong; grows while
            `batches` runs.
        notes: what the user should know.
    """

    names: list[str]
    size: int
    position: Callable[[], int]
    batches: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]
    malformed: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def open_table(path: str | Path, encoding: str = "utf-8") -> TableFile:
    """Open a table; CSV delimiters (comma, semicolon, tab, bar) are found from the header.

    Args:
        path: .csv, .tsv or .txt (also with .gz), .parquet or .pq.
        encoding: of a CSV file.

    Raises:
        ValueError: if the file is absent, a folder, empty, of an unknown kind or unreadable.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give one CSV or parquet file")
    if not path.exists():
        raise ValueError(f"{path} does not exist")
    if not path.name.lower().endswith(_SUFFIXES):
        raise ValueError(f"{path} must be a CSV or parquet file ({', '.join(_SUFFIXES)})")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes)")
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return _open_parquet(path)
        return _open_csv(path, encoding)
    except (OSError, EOFError, pa.ArrowException, UnicodeError, LookupError, csv.Error) as error:
        raise ValueError(_unreadable(path, encoding, error)) from error


def find_column(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the first column whose name is one of `wanted`, case, punctuation and a currency aside."""
    plain = {_plain(_CURRENCY.sub("", name)): name for name in reversed(names)}
    plain |= {_plain(name): name for name in reversed(names)}
    return next((plain[_plain(name)] for name in wanted if _plain(name) in plain), None)


def nearest_column(names: Sequence[str], wanted: str) -> str | None:
    """Return the column whose name is most like `wanted`, or None."""
    plain = {_plain(name): name for name in names}
    close = difflib.get_close_matches(_plain(wanted), list(plain), n=1)
    return plain[close[0]] if close else None


def list_columns(names: Sequence[str]) -> str:
    """Return the column names for a message; of a first row that holds data, only how many cells it has."""
    if _look_like_data(names):
        return f"the first row holds {len(names)} cells that look like data: is the header missing?"
    return f"columns found: {', '.join(names)}"


def list_names(names: Sequence[str]) -> str:
    """Return the names in one line; only how many they are, where they look like data."""
    return f"{len(names)}, which look like data" if _look_like_data(names) else ", ".join(names)


def _look_like_data(names: Sequence[str]) -> bool:
    return any("@" in name or re.fullmatch(r"[-+]?\d[\d.,:/ TZ+-]*", name.strip()) for name in names)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _unreadable(path: Path, encoding: str, error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    # A row of another length is skipped, unless its text can not be decoded for the one who skips it.
    undecodable = re.match(r"CSV parse error: Row #\d+: Expected", text)
    if isinstance(error, UnicodeError) or "invalid UTF8" in text or undecodable:
        text = text[: text.index(": Expected")] if undecodable else text
        return f"{path} is not {encoding} text ({text}): give its encoding, e.g. --encoding latin-1"
    # What Arrow says of a row after a colon, or in quotes, may be cells of the log.
    text = re.sub(r"['\"].*['\"]", "...", ":".join(text.split(":")[:2]))
    return f"{path} can not be read: {text}"


def _open_parquet(path: Path) -> TableFile:
    file = pa_parquet.ParquetFile(path)
    size, total, done = path.stat().st_size, max(1, file.metadata.num_rows), [0]

    def batches(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        try:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(names)):
                done[0] += batch.num_rows
                yield batch
        except (OSError, pa.ArrowException) as error:
            raise ValueError(_unreadable(path, "utf-8", error)) from error

    return TableFile(list(file.schema_arrow.names), size, lambda: size * done[0] // total, batches)


def _open_csv(path: Path, encoding: str) -> TableFile:
    layout = read_layout(path, encoding)
    raw = pa.OSFile(str(path))
    table = TableFile(layout.names, path.stat().st_size, raw.tell, lambda _: iter(()))
    if layout.skipped:
        table.notes.append(f"skipped {layout.skipped} line{'s' * (layout.skipped > 1)} above the header")

    def skip(row: Any) -> str:
        table.malformed.append(row.number - 1 - layout.skipped)
        return "skip"

    def batches(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        try:
            with _no_tracebacks():
                yield from _csv_batches(raw, wanted, layout, skip)
        except (OSError, EOFError, pa.ArrowException, UnicodeError) as error:
            raise ValueError(_unreadable(path, layout.encoding, error)) from error
        finally:
            raw.close()

    table.batches = batches
    return table


@contextlib.contextmanager
def _no_tracebacks() -> Iterator[None]:
    """Keep Arrow from printing that it can not decode a row: `_unreadable` says so."""
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, UnicodeDecodeError):
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def _csv_batches(
    raw: Any, names: Sequence[str], layout: Layout, skip: Callable[[Any], str]
) -> Iterator[pa.RecordBatch]:
    stream = pa.CompressedInputStream(raw, "gzip") if layout.gzipped else raw
    # Every column is read as text and typed by us: a guessed type fails on the first odd row.
    reader = pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(
            use_threads=False,
            block_size=_BLOCK_BYTES,
            encoding=layout.encoding,
            skip_rows=layout.skipped,
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        convert_options=pa_csv.ConvertOptions(
            include_columns=list(names),
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
        ),
    )
    yield from reader
