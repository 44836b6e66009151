"""Read a log of any size into typed columns, and count what was dropped and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tqdm import tqdm

from sb3_ecom.core.tables.columns import ColumnParser, IdParser, NumberParser, TimeParser
from sb3_ecom.core.tables.files import find_column, nearest_column, open_table

Kind = Literal["id", "time", "number", "integer"]
MALFORMED = "wrong number of fields"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column that a reader asks for.

    `option` is the name that a user maps (the option ``--session`` for "session"); `names` are well-known
    column names, tried in this order, case and punctuation aside.
    """

    option: str
    kind: Kind
    names: tuple[str, ...] = ()
    required: bool = True
    keep_missing: bool = False  # keep rows without a value (as NaN, or the id ""); else they are dropped


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """Rows dropped for one reason."""

    count: int
    row: int  # the first of them, counted from 1 below the header
    value: str  # what stood there

    def __str__(self) -> str:
        """Say how many, and where the first one stands."""
        return f"{self.count:,} (first: row {self.row:,}{self.value and f', {self.value!r}'})"


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

    @property
    def rows(self) -> int:
        """Rows kept."""
        return self.rows_read - sum(dropped.count for dropped in self.dropped.values())


def read_table(
    path: str | Path,
    columns: Sequence[Column],
    names: Mapping[str, str | None] | None = None,
    *,
    encoding: str = "utf-8",
    time_format: str | None = None,
    progress: bool = True,
) -> Table:
    """Stream a CSV or parquet table; memory holds the asked columns, never the file.

    Args:
        path: .csv, .tsv, .txt (also .gz) or .parquet.
        columns: what to read.
        names: option -> column name in the file, where it is not a well-known one.
        encoding: of a CSV file.
        time_format: strptime format of the times; ISO 8601, YYYYMMDD, unix times and orders need none.
        progress: show a bar on stderr, if that is a terminal.

    Raises:
        ValueError: if the file is absent, empty or unreadable, a column is missing, no time parses or no row
            is left.
    """
    file = open_table(path, encoding)
    found = _map_columns(Path(path), file.names, columns, names or {})
    reader = _Reader(columns, found, time_format, file.malformed)
    silent = None if progress else True  # None: silent where stderr is no terminal
    with tqdm(total=file.size, unit="B", unit_scale=True, desc="reading", disable=silent) as bar:
        for batch in file.batches(list(dict.fromkeys(found.values()))):
            reader.add(batch)
            bar.update(file.position() - bar.n)
    return reader.table(Path(path))


class _Reader:
    """Feeds batches to one parser per column and drops the rows that any of them refuses."""

    def __init__(
        self,
        columns: Sequence[Column],
        found: Mapping[str, str],
        time_format: str | None,
        malformed: list[int],
    ) -> None:
        self._found = dict(found)
        self._malformed = malformed
        self._parsers = {c.option: _make_parser(c, time_format) for c in columns if c.option in found}
        self._rows = 0
        self._dropped: dict[str, Dropped] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Parse one batch."""
        kept = np.ones(batch.num_rows, dtype=bool)
        for option, parser in self._parsers.items():
            column = batch.column(self._found[option])
            try:
                faults = parser.parse(column)
            except pa.ArrowException as error:
                name, kind = self._found[option], column.type
                raise ValueError(
                    f"column {name!r} (--{option}) of type {kind} can not be read: {error}"
                ) from error
            for reason, rows in faults:
                self._drop(reason, np.flatnonzero(rows & kept), column)
                kept &= ~rows
        for parser in self._parsers.values():
            parser.keep(kept)
        self._rows += batch.num_rows

    def table(self, path: Path) -> Table:
        """Return what was read, or say why nothing was."""
        if self._malformed:
            self._dropped[MALFORMED] = Dropped(count=len(self._malformed), row=min(self._malformed), value="")
        table = Table(
            columns={option: parser.values() for option, parser in self._parsers.items()},
            labels={o: parser.labels for o, parser in self._parsers.items() if isinstance(parser, IdParser)},
            names=self._found,
            time_unit=next((p.unit for p in self._parsers.values() if isinstance(p, TimeParser)), "order"),
            rows_read=self._rows + len(self._malformed),
            dropped=self._dropped,
        )
        _check_rows(path, table)
        return table

    def _drop(self, reason: str, rows: NDArray[np.int64], column: pa.Array) -> None:
        if not rows.size:
            return
        before = self._dropped.get(reason)
        if before is None:
            value = column[int(rows[0])].as_py()
            row = self._file_row(self._rows + int(rows[0]) + 1)
            before = Dropped(count=0, row=row, value="" if value is None else str(value))
        self._dropped[reason] = Dropped(count=before.count + rows.size, row=before.row, value=before.value)

    def _file_row(self, row: int) -> int:
        """Return where the row-th well-formed row stands in the file."""
        for malformed in sorted(self._malformed):
            row += malformed <= row
        return row


def _make_parser(column: Column, time_format: str | None) -> ColumnParser:
    if column.kind == "id":
        return IdParser(column.option, column.keep_missing)
    if column.kind == "time":
        return TimeParser(column.option, column.keep_missing, time_format)
    return NumberParser(column.option, column.keep_missing, whole=column.kind == "integer")


def _map_columns(
    path: Path, found: Sequence[str], columns: Sequence[Column], names: Mapping[str, str | None]
) -> dict[str, str]:
    """Return option -> column name in the file."""
    listed = f"columns found: {', '.join(found)}"
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
    if table.rows > 0:
        return
    for option, name in table.names.items():
        fault = table.dropped.get(f"{option} is not a time")
        if fault is not None and fault.count * 2 > table.rows_read:
            raise ValueError(
                f"{path}: no value of column {name!r} (--{option}) parses as a time, e.g. {fault.value!r} "
                f"in row {fault.row}; give ISO 8601, YYYYMMDD, unix time or an order, or name a --time-format"
            )
    reasons = "; ".join(f"{reason}: {dropped}" for reason, dropped in table.dropped.items())
    raise ValueError(f"{path}: all {table.rows_read:,} rows were dropped: {reasons}")
