"""Turn raw columns, batch by batch, into codes, times and numbers, and say which rows do not parse."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Faults = list[tuple[str, NDArray[np.bool_]]]  # (reason, rows of the batch)

_ORDER_BELOW = 1e8  # smaller numbers count something; 1e8 seconds after 1970 is 1973
_TICKS_PER_SECOND = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}


class ColumnParser(ABC):
    """Collects one column over many batches.

    Args:
        name: of the column, for the reasons.
        keep_missing: keep rows where the value is missing (NaN) instead of dropping them.
    """

    def __init__(self, name: str, keep_missing: bool = False) -> None:
        self.name = name
        self.keep_missing = keep_missing
        self._parts: list[NDArray[Any]] = []

    @abstractmethod
    def parse(self, column: pa.Array) -> Faults:
        """Parse one batch, hold it, and return the rows that fail."""

    @abstractmethod
    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Store these rows of the batch parsed last."""

    def values(self) -> NDArray[Any]:
        """Return all rows kept so far."""
        return np.concatenate(self._parts) if self._parts else np.zeros(0)

    def _missing(self, missing: NDArray[np.bool_]) -> Faults:
        return [] if self.keep_missing else [(f"{self.name} is missing", missing)]


class IdParser(ColumnParser):
    """Codes 0, 1, ... in the order of appearance; `labels[code]` is the id as text."""

    def __init__(self, name: str, keep_missing: bool = False) -> None:
        super().__init__(name, keep_missing)
        self._codes: dict[str, int] = {}
        self._text: Any = None

    @property
    def labels(self) -> list[str]:
        """The distinct ids; a kept missing id is the empty text."""
        return list(self._codes)

    def parse(self, column: pa.Array) -> Faults:
        """Hold the ids of one batch as trimmed text."""
        self._text = pc.fill_null(pc.utf8_trim_whitespace(_as_text(column)), "")
        return self._missing(np.asarray(pc.equal(self._text, "")))

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Give the kept ids their codes."""
        encoded = self._text.filter(pa.array(rows)).dictionary_encode()
        codes = [self._codes.setdefault(text, len(self._codes)) for text in encoded.dictionary.to_pylist()]
        self._parts.append(np.asarray(codes, dtype=np.int32)[encoded.indices.to_numpy()])


class NumberParser(ColumnParser):
    """Finite float64 numbers; with `whole`, whole ones."""

    def __init__(self, name: str, keep_missing: bool = False, whole: bool = False) -> None:
        super().__init__(name, keep_missing)
        self._whole = whole
        self._numbers: NDArray[np.float64] = np.zeros(0)

    def parse(self, column: pa.Array) -> Faults:
        """Hold the numbers of one batch."""
        missing, numbers = _as_numbers(column)
        self._numbers = numbers
        faults = [*self._missing(missing), (f"{self.name} is not a number", np.isnan(numbers) & ~missing)]
        faults.append((f"{self.name} is infinite", np.isinf(numbers)))
        if self._whole:
            finite = np.isfinite(numbers)
            part = np.zeros(len(numbers), dtype=bool)
            part[finite] = numbers[finite] != np.floor(numbers[finite])
            faults.append((f"{self.name} is not a whole number", part))
        return faults

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Store the kept numbers."""
        self._parts.append(self._numbers[rows])


class TimeParser(ColumnParser):
    """Seconds since 1970 (UTC) as float64, or an order where the numbers are too small to be times.

    Reads ISO 8601 texts and dates, YYYYMMDD, unix seconds, milli-, micro- and nanoseconds, whole orders, and
    with `time_format` what strptime reads. `unit` is "seconds" or "order" once `values` was called.
    """

    def __init__(self, name: str, keep_missing: bool = False, time_format: str | None = None) -> None:
        super().__init__(name, keep_missing)
        self.unit = "seconds"
        self._format = time_format
        self._numeric: bool | None = None if time_format is None else False
        self._times: NDArray[np.float64] = np.zeros(0)

    def parse(self, column: pa.Array) -> Faults:
        """Hold the times of one batch; the first batch with any decides how the column is read."""
        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            self._numeric, missing = False, np.asarray(column.is_null())
            self._times = _seconds(pd.Series(column.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)))
        else:
            missing, self._times = self._parse_text(column)
        return [*self._missing(missing), (f"{self.name} is not a time", np.isnan(self._times) & ~missing)]

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Store the kept times."""
        self._parts.append(self._times[rows])

    def values(self) -> NDArray[np.float64]:
        """Return all times in seconds, or orders."""
        values = super().values()
        return self._scale(values) if self._numeric and values.size else values

    def _parse_text(self, column: pa.Array) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        missing, numbers = _as_numbers(column)
        numbers[np.isinf(numbers)] = np.nan
        if self._numeric is None and not missing.all():
            readable, present = np.isfinite(numbers).sum(), (~missing).sum()
            if 2 * readable >= present:
                self._numeric = True
            else:
                times = self._read_dates(column)
                self._numeric = False if np.isfinite(times).any() else None
                return missing, times
        if self._numeric is False:
            return missing, self._read_dates(column)
        return missing, numbers

    def _read_dates(self, column: pa.Array) -> NDArray[np.float64]:
        texts = pd.Series(_as_text(column).to_pandas())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = pd.to_datetime(texts, format=self._format or "ISO8601", utc=True, errors="coerce")
        return _seconds(read.dt.tz_localize(None))

    def _scale(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        finite = values[np.isfinite(values)]
        days = _read_day_numbers(values)
        if days is not None:
            return days
        middle = float(np.median(np.abs(finite))) if finite.size else 0.0
        if middle < _ORDER_BELOW:
            self.unit = "order"
            return values
        ticks = next((t for t in _TICKS_PER_SECOND.values() if middle < 1e11 * t), 1e9)
        return values / ticks


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):  # an integer id column with gaps, written by pandas
        numbers = column.to_numpy(zero_copy_only=False)
        finite = numbers[np.isfinite(numbers)]
        if np.all(finite == np.floor(finite)):
            column = pc.cast(pc.if_else(pc.is_finite(column), column, None), pa.int64())
    return column.cast(pa.string())


def _as_numbers(column: pa.Array) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return (missing, numbers); a number that does not parse is NaN and not missing."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts = pd.Series(pc.utf8_trim_whitespace(column).to_pandas(), dtype=object)
        missing = (texts.isna() | texts.isin(["", "nan", "NaN", "null", "NULL", "None", "NA"])).to_numpy()
        numbers = pd.to_numeric(texts.where(~missing), errors="coerce").to_numpy(dtype=np.float64, copy=True)
        return missing, numbers
    numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False).copy()
    return np.isnan(numbers), numbers


def _seconds(times: pd.Series[Any]) -> NDArray[np.float64]:
    micro = times.to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(micro), np.nan, micro.astype(np.int64) / 1e6)


def _read_day_numbers(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return YYYYMMDD numbers as seconds, or None if any is no such day."""
    known = values[np.isfinite(values)]
    if not known.size or known.min() < 19000101 or known.max() > 21001231 or np.any(known != np.floor(known)):
        return None
    texts = pd.Series(np.where(np.isfinite(values), values, 0).astype(np.int64).astype(str))
    seconds = _seconds(pd.to_datetime(texts, format="%Y%m%d", errors="coerce"))
    return seconds if np.isfinite(seconds).sum() == known.size else None
