"""Read a log of any size into typed columns, and count what was dropped and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tqdm import tqdm

from sb3_ecom.core.tables.columns import ColumnParser, Faults, IdParser
from sb3_ecom.core.tables.files import find_column, list_columns, list_names, nearest_column, open_table
from sb3_ecom.core.tables.numbers import NumberParser
from sb3_ecom.core.tables.times import TimeParser, TimeReading

Kind = Literal["id", "time", "number", "integer"]
MALFORMED = "wrong number of fields"
_MOST_NAMED = 20
_UNREADABLE = 0.1  # share of rows that may be dropped because a required cell can not be read
_FEW = 5  # rows that say little, in a short table


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column that a reader asks for.

    `option` is the name that a user maps (the option ``--session`` for "session"); `names` are well-known
    column names, tried in this order, case and punctuation aside.
    """

    option: str
    kind: Kind
    names: tuple[str, ...] = ()
    required: bool = (
        True  # else a cell that is missing or unreadable costs the cell (NaN, or ""), not the row
    )


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """Rows dropped for one reason, or cells lost; what stood there is not kept."""

    count: int
    row: int  # the first of them, counted from 1 below the header

    def __str__(self) -> str:
        """Say how many, and where the first one stands."""
        return f"{self.count:,} (first: row {self.row:,})"


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows that parsed.

    `columns` maps an option to its (rows,) values: int32 codes of an id, float64 seconds since 1970 (or an
    order, see `time_unit`), float64 numbers. An optional column that the file lacks is absent.
    """

    columns: dict[str, NDArray[Any]]
    labels: dict[str, list[str]]  # id column -> id of each code
    names: dict[str, str]  # option -> the file's own column name
    time_unit: str  # "seconds", or "order" where the time only orders rows
    rows_read: int
    dropped: dict[str, Dropped]  # reason -> rows
    lost: dict[str, Dropped]  # reason -> cells of optional columns, whose rows were kept
    row_numbers: NDArray[np.int64]  # (rows,) where each row stands in the file, from 1 below the header
    notes: list[str] = field(default_factory=list)  # how the file was read
    unused: tuple[str, ...] = ()  # columns that were not taken for anything

    @property
    def rows(self) -> int:
        """Rows kept."""
        return self.rows_read - sum(dropped.count for dropped in self.dropped.values())

    def describe(self) -> str:
        """Say which column was taken for what."""
        return "; ".join(f"took column {name!r} for {option}" for option, name in self.names.items())

    def describe_unused(self) -> list[str]:
        """Say which columns were not taken for anything; names that may be cells are only counted."""
        names = [name for name in self.unused if name.strip()]
        if not names:
            return []
        rest = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        return [f"columns not used: {list_names(names[:_MOST_NAMED])}{rest}"]


def read_table(
    path: str | Path,
    columns: Sequence[Column],
    names: Mapping[str, str | None] | None = None,
    *,
    encoding: str = "utf-8",
    times: TimeReading | None = None,
    decimal: str | None = None,
    progress: bool = True,
) -> Table:
    """Stream a CSV or parquet table; memory holds the asked columns, never the file.

    Args:
        path: .csv, .tsv, .txt (also .gz) or .parquet.
        columns: what to read.
        names: option -> column name in the file, where it is not a well-known one.
        encoding: of a CSV file.
        times: how times are read; None reads ISO 8601, dates, YYYYMMDD, unix times and orders, in UTC.
        decimal: "," or "." of numbers; None finds out.
        progress: show a bar on stderr, if that is a terminal.

    Raises:
        ValueError: if the file is absent, empty or unreadable, a column is missing or can be read in two
            ways, no time parses or no row is left.
    """
    file = open_table(path, encoding)
    found = _map_columns(Path(path), file.names, columns, names or {})
    parsers = {c.option: _make_parser(c, times, decimal) for c in columns if c.option in found}
    optional = {column.option for column in columns if not column.required}
    unused = tuple(name for name in file.names if name not in found.values())
    reader = _Reader(found, parsers, optional, file.malformed, file.notes, unused)
    silent = None if progress else True  # None: silent where stderr is no terminal
    with tqdm(total=file.size, unit="B", unit_scale=True, desc="reading", disable=silent) as bar:
        for batch in file.batches(list(dict.fromkeys(found.values()))):
            reader.add(batch)
            bar.update(file.position() - bar.n)
    return reader.table(Path(path))


class _Reader:
    """Feeds batches to one parser per column and drops the rows that a required column refuses."""

    def __init__(
        self,
        found: Mapping[str, str],
        parsers: dict[str, ColumnParser],
        optional: set[str],
        malformed: list[int],
        notes: list[str],
        unused: tuple[str, ...],
    ) -> None:
        self._found, self._parsers, self._optional = dict(found), parsers, optional
        self._malformed, self._notes, self._unused = malformed, notes, unused
        self._rows = 0  # well-formed rows so far
        self._kept: list[NDArray[np.int64]] = []  # their places among the well-formed, from 0
        self._dropped: dict[str, Dropped] = {}
        self._lost: dict[str, Dropped] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Parse one batch."""
        places = np.arange(self._rows, self._rows + batch.num_rows)
        kept = np.ones(batch.num_rows, dtype=bool)
        for option, parser in self._parsers.items():
            column = batch.column(self._found[option])
            try:
                faults = parser.parse(column)
            except pa.ArrowException as error:
                name, kind = self._found[option], column.type
                raise ValueError(f"column {name!r} (--{option}) of type {kind} can not be read") from error
            kept = self._count(option, faults, places, kept)
        for parser in self._parsers.values():
            parser.keep(kept)
        self._kept.append(places[kept])
        self._rows += batch.num_rows

    def table(self, path: Path) -> Table:
        """Return what was read, or say why nothing was."""
        places = np.concatenate(self._kept) if self._kept else np.zeros(0, dtype=np.int64)
        kept = np.ones(places.size, dtype=bool)
        for option, parser in self._parsers.items():
            try:
                faults = parser.finish()
            except ValueError as error:
                raise ValueError(f"{path}: column {self._found[option]!r}, {error}") from None
            kept = self._count(option, faults, places, kept)
        if self._malformed:
            self._dropped[MALFORMED] = Dropped(count=len(self._malformed), row=min(self._malformed))
        table = Table(
            columns={option: parser.values()[kept] for option, parser in self._parsers.items()},
            labels={o: parser.labels for o, parser in self._parsers.items() if isinstance(parser, IdParser)},
            names=self._found,
            time_unit=next((p.unit for p in self._parsers.values() if isinstance(p, TimeParser)), "order"),
            rows_read=self._rows + len(self._malformed),
            dropped=self._dropped,
            lost=self._lost,
            row_numbers=self._file_rows(places[kept]),
            notes=[*self._notes, *(note for parser in self._parsers.values() for note in parser.notes)],
            unused=self._unused,
        )
        _check_rows(path, table)
        return table

    def _count(
        self, option: str, faults: Faults, places: NDArray[np.int64], kept: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Count the rows that fail; return which are kept."""
        counts = self._lost if option in self._optional else self._dropped
        for reason, failing in faults:
            rows = places[failing & kept]
            if rows.size:
                before = counts.get(reason)
                first = before.row if before else int(self._file_rows(rows[:1])[0])
                counts[reason] = Dropped(count=rows.size + (before.count if before else 0), row=first)
            if option not in self._optional:
                kept = kept & ~failing
        return kept

    def _file_rows(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where well-formed rows stand in the file, from 1 below the header."""
        bad = np.sort(np.array(self._malformed, dtype=np.int64))
        # The k-th malformed row has `bad[k] - 1 - k` well-formed ones before it.
        return places + 1 + np.searchsorted(bad - 1 - np.arange(bad.size), places, side="right")


def _make_parser(column: Column, times: TimeReading | None, decimal: str | None) -> ColumnParser:
    if column.kind == "id":
        return IdParser(column.option)
    if column.kind == "time":
        return TimeParser(column.option, times)
    return NumberParser(column.option, whole=column.kind == "integer", decimal=decimal)


def _map_columns(
    path: Path, found: Sequence[str], columns: Sequence[Column], names: Mapping[str, str | None]
) -> dict[str, str]:
    """Return option -> column name in the file."""
    listed = list_columns(found)
    mapped = {}
    for column in columns:
        given = names.get(column.option)
        name = given if given is not None else find_column(found, column.names)
        if given is not None and given not in found:
            near = nearest_column(found, given)
            hint = f" (did you mean {near!r}?)" if near else ""
            raise ValueError(f"--{column.option} names {given!r}, which {path} lacks{hint}; {listed}")
        if name is None and column.required:
            looked = f"looked for {', '.join(column.names)}; " if column.names else ""
            raise ValueError(
                f"{path} has no column that is known as {column.option}: name it with --{column.option}; "
                f"{looked}{listed}"
            )
        if name is not None:
            if list(found).count(name) > 1:
                raise ValueError(f"{path} has {list(found).count(name)} columns named {name!r}; {listed}")
            mapped[column.option] = name
    return mapped


def _check_rows(path: Path, table: Table) -> None:
    if table.rows_read == 0:
        raise ValueError(f"{path} is empty: it has a header and no row")
    for option, name in table.names.items():
        for what, advice in _ADVICE.items():
            fault = table.dropped.get(f"{option} {what}")
            if fault is not None and (table.rows == 0 or _too_many(fault.count, table.rows_read)):
                everything = fault.count == table.rows_read
                count = "no value" if everything else f"{fault.count:,} of {table.rows_read:,} values"
                verb = "parses" if everything else "do not parse"
                raise ValueError(
                    f"{path}: {count} of column {name!r} (--{option}) {verb} as a "
                    f"{what.removeprefix('is not a ')} (first: row {fault.row:,}); {advice}"
                )
        missing = table.dropped.get(f"{option} is missing")
        if option in _TIMES and missing is not None and 2 * missing.count > table.rows_read > _FEW:
            raise ValueError(
                f"{path}: column {name!r} (--{option}) is empty in {missing.count:,} of {table.rows_read:,} "
                f"rows (first: row {missing.row:,}): does it stand in the first row of each group only? Then "
                "fill it down"
            )
    if table.rows > 0:
        return
    reasons = "; ".join(f"{reason}: {dropped}" for reason, dropped in table.dropped.items())
    raise ValueError(f"{path}: all {table.rows_read:,} rows were dropped: {reasons}")


def _too_many(count: int, rows: int) -> bool:
    return count > _FEW and count > _UNREADABLE * rows


_TIMES = ("time", "date")
_ADVICE = {
    "is not a time": "give ISO 8601, YYYYMMDD, unix time or an order, or name a --time-format",
    "is not a number": "check the column, or type --decimal , or --decimal .",
}
