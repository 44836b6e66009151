"""Times as logs write them: ISO 8601, dates in any order, unix times, YYYYMMDD, or a mere order."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from sb3_ecom.core.tables.columns import ColumnParser, Faults, as_numbers, as_text
from sb3_ecom.core.tables.months import translate_months

Floats = NDArray[np.float64]

_ORDER_BELOW = 1e8  # smaller numbers count something; 1e8 seconds after 1970 is 1973
_EXCEL_DAYS = (20_000, 80_000)  # days since 30 December 1899: 1954 to 2119
_EXCEL_EPOCH = 25_569  # 1970 among them
_MANGLED = r"[+-]?\d(?:[.,]\d{1,5})?[eE]\+\d{1,2}"  # what Excel leaves of a long number: 1.70E+12
_MOST_MANGLED = 0.01  # of the cells
_MINORITY = 0.05  # of the dates that fit one order of day and month only; more is a question
_OFFSET = r"\s*(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
_CLOCK = re.compile(rf"([T ]\s*\d{{1,2}}[\d:.,]*(?:\s*[AaPp][Mm])?){_OFFSET}")
_DATE = re.compile(
    r"^(\d{1,4})([/.\-])(\d{1,2})\2(\d{1,4})"
    r"(?:[T,]?\s*(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?\s*([AaPp][Mm])?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?$"
)
_MONTH = re.compile(r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class TimeReading:
    """How times are read.

    Attributes:
        time_format: strptime format; None reads the usual ones.
        dayfirst: whether 3/4/2024 is 3 April; None finds out, and asks where both fit.
        local: give the local clock of times that name their offset, instead of UTC.
        timezone: name of the zone whose clock is wanted, of times in UTC or with an offset.
    """

    time_format: str | None = None
    dayfirst: bool | None = None
    local: bool = False
    timezone: str | None = None

    def __post_init__(self) -> None:
        if self.timezone is not None:
            try:
                ZoneInfo(self.timezone)
            except (KeyError, ValueError, OSError):
                raise ValueError(
                    f"--timezone must be a name such as Europe/Berlin, got {self.timezone!r}"
                ) from None

    @property
    def keeps_clock(self) -> bool:
        """Whether a named offset is ignored: the local clock is what is read."""
        return self.local and self.timezone is None


class TimeParser(ColumnParser):
    """Seconds since 1970 as float64, or an order where the numbers are too small to be times.

    Every cell is read by its own kind, so that a column may mix them. `unit` is "seconds" or "order" once
    `finish` was called.
    """

    def __init__(self, name: str, reading: TimeReading | None = None) -> None:
        super().__init__(name)
        self.unit = "seconds"
        self._reading = reading or TimeReading()
        self._batch: Floats = np.zeros((4, 0))  # number; time; time if the day comes first; if the month
        self._cells = self._mangled = 0
        self._dotted = True  # all dates of open order hold points, which only day-first countries write

    def parse(self, column: pa.Array) -> Faults:
        """Hold the times of one batch, in every reading that fits."""
        self._batch = np.full((4, len(column)), np.nan)
        if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            missing = np.asarray(column.is_null())
            self._batch[1] = self._typed(column)
        else:
            missing = self._parse_text(column)
        return [
            (f"{self.name} is missing", missing),
            (f"{self.name} is not a time", np.isnan(self._batch).all(axis=0) & ~missing),
        ]

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Store the kept times."""
        self._parts.append(self._batch[:, rows])

    def finish(self) -> Faults:
        """Find what numbers mean and which of day and month comes first."""
        if self._mangled > _MOST_MANGLED * self._cells:
            raise ValueError(
                f"{self.name}: {self._mangled:,} numbers stand in scientific notation, as Excel writes long "
                "ones: their last digits are lost; export the column as text, or as a date"
            )
        number, time, day, month = np.concatenate(self._parts, axis=1) if self._parts else np.zeros((4, 0))
        given = np.isfinite(number) | np.isfinite(time) | np.isfinite(day) | np.isfinite(month)
        time = np.where(np.isnan(time), self._choose_order(day, month), time)
        time = np.where(np.isnan(time), self._scale(number, np.isfinite(time)), time)
        if self._reading.timezone is not None and self.unit == "seconds":
            time = _to_zone(time, self._reading.timezone)
        self._parts = [time]
        return [(f"{self.name} is not a time", given & np.isnan(time))]

    def _typed(self, column: pa.Array) -> Floats:
        series = pd.Series(column.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False))
        zone = getattr(column.type, "tz", None)
        if zone and self._reading.keeps_clock:
            series = series.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
        return seconds(series)

    def _parse_text(self, column: pa.Array) -> NDArray[np.bool_]:
        missing, numbers, texts = as_numbers(column)
        numbers[np.isinf(numbers)] = np.nan
        if texts is not None:
            self._cells += len(texts)
            self._mangled += int(texts.str.fullmatch(_MANGLED, na=False).sum())
            commas = texts.str.fullmatch(r"\d{5},\d+", na=False).to_numpy(
                dtype=bool
            )  # days of a German Excel
            numbers[commas] = texts[commas].str.replace(",", ".", regex=False).astype(float)
        if self._reading.time_format is None:
            self._batch[0] = numbers
        rows = np.flatnonzero(~missing & np.isnan(self._batch[0]))
        if not rows.size:
            return missing
        codes, distinct = pd.factorize(pd.Series(as_text(column).to_pandas(), dtype=object).iloc[rows])
        read = self._read_dates(pd.Series(distinct, dtype=object))
        self._batch[1:, rows] = read[:, codes]
        return missing

    def _read_dates(self, texts: pd.Series[Any]) -> Floats:
        """Return (3, n): sure times, times if the day comes first, times if the month does."""
        found = np.full((3, len(texts)), np.nan)
        texts, form = texts.str.strip(), self._reading.time_format
        if self._reading.keeps_clock:
            texts = texts.str.replace(_CLOCK, r"\1", regex=True)
            form = form and form.replace("%z", "").replace("%Z", "").strip()
        else:
            texts = texts.str.replace(r"\s*(UTC|GMT)$", "+00:00", regex=True)
        found[0] = _to_datetime(texts, form or "ISO8601")
        if form is not None:
            return found
        for row in np.flatnonzero(np.isnan(found[0])):
            match = _DATE.match(str(texts.iloc[row]))
            if match is not None:
                found[:, row] = _read_numeric_date(match)
                self._dotted &= match[2] == "." or np.isnan(found[1:, row]).any()
        rest = np.flatnonzero(np.isnan(found).all(axis=0))
        texts.iloc[rest] = [translate_months(str(text)) for text in texts.iloc[rest]]
        named = rest[[bool(_MONTH.search(str(texts.iloc[row]))) for row in rest]] if rest.size else rest
        if named.size:
            found[0, named] = _to_datetime(texts.iloc[named], "mixed")
        return found

    def _choose_order(self, day: Floats, month: Floats) -> Floats:
        """Return the dates of open order, read with the day or with the month first."""
        some = np.isfinite(day) | np.isfinite(month)
        dayfirst = self._reading.dayfirst
        if not some.any():
            return day
        if dayfirst is None:
            for_day, for_month = int(np.isnan(month[some]).sum()), int(np.isnan(day[some]).sum())
            if max(for_day, for_month) and min(for_day, for_month) <= _MINORITY * (for_day + for_month):
                dayfirst = for_day > for_month
            elif self._dotted and not for_month:
                dayfirst = True
            elif np.array_equal(day[some], month[some]):
                dayfirst = True
            else:
                raise ValueError(
                    f"{self.name}: day/month/year and month/day/year both fit the {int(some.sum()):,} dates: "
                    "type --dayfirst or --no-dayfirst, or name a --date-format such as %d/%m/%Y"
                )
        return day if dayfirst else month

    def _scale(self, number: Floats, dated: NDArray[np.bool_]) -> Floats:
        """Return numbers as seconds: YYYYMMDD, or unix times by their size; or leave an order as it is."""
        some = np.isfinite(number)
        if not some.any():
            return number
        days = _read_day_numbers(number)
        small = some & np.isnan(days) & (np.abs(number) < _ORDER_BELOW)
        if not dated.any() and 2 * small.sum() > some.sum():
            low, high = _EXCEL_DAYS
            if np.all(small == some) and np.all((number[some] >= low) & (number[some] < high)):
                self.notes.append(
                    f"{self.name}: numbers were read as the dates of Excel (days since 1899-12-30)"
                )
                return np.round((number - _EXCEL_EPOCH) * 86_400)
            self.unit = "order"
            return number
        size = np.abs(np.where(some, number, 0.0))
        ticks = np.select([size < 1e11, size < 1e14, size < 1e17], [1.0, 1e3, 1e6], 1e9)
        scaled = np.where(small, np.nan, number / ticks)
        return np.where(np.isfinite(days), days, scaled)


def seconds(times: pd.Series[Any]) -> Floats:
    """Return datetimes as seconds since 1970, NaT as NaN."""
    micro = times.to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(micro), np.nan, micro.astype(np.int64) / 1e6)


def _to_datetime(texts: pd.Series[Any], form: str) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = pd.to_datetime(texts, format=form, utc=True, errors="coerce")
    return seconds(read.dt.tz_localize(None))


def _to_zone(time: Floats, zone: str) -> Floats:
    moments = pd.Series(pd.to_datetime(np.round(time * 1e6), unit="us", utc=True, errors="coerce"))
    return seconds(moments.dt.tz_convert(zone).dt.tz_localize(None))


def _read_numeric_date(match: re.Match[str]) -> tuple[float, float, float]:
    """Return (sure, day first, month first) seconds of a date in numbers, NaN where it is none."""
    first, second, last = int(match[1]), int(match[3]), int(match[4])
    clock = _read_clock(match)
    if len(match[1]) == 4:
        return _seconds_of(first, second, last) + clock, np.nan, np.nan
    if len(match[1]) > 2 or len(match[4]) not in (2, 4):
        return np.nan, np.nan, np.nan
    year = last if len(match[4]) == 4 else last + (2000 if last < 70 else 1900)
    return np.nan, _seconds_of(year, second, first) + clock, _seconds_of(year, first, second) + clock


def _seconds_of(year: int, month: int, day: int) -> float:
    try:
        return float(pd.Timestamp(year, month, day).timestamp())
    except ValueError:
        return np.nan


def _read_clock(match: re.Match[str]) -> float:
    """Return the seconds of the day less the offset, NaN where the clock has no such time."""
    if match[5] is None:
        return 0.0
    hour, minute, second = int(match[5]), int(match[6]), float(match[7] or 0)
    if match[8]:
        if not 1 <= hour <= 12:
            return np.nan
        hour = hour % 12 + 12 * (match[8].lower() == "pm")
    if hour > 23 or minute > 59 or second >= 61:
        return np.nan
    offset = match[9] or "Z"
    digits = re.sub(r"\D", "", offset).ljust(4, "0")
    shift = 0 if offset[0] not in "+-" else int(digits[:2]) * 3600 + int(digits[2:4]) * 60
    return hour * 3600 + minute * 60 + second - (shift if offset[0] == "+" else -shift)


def _read_day_numbers(values: Floats) -> Floats:
    """Return YYYYMMDD numbers as seconds, NaN for all others."""
    found = np.full(values.shape, np.nan)
    rows = np.flatnonzero((values >= 19000101) & (values <= 21001231) & (values == np.floor(values)))
    if rows.size:
        codes, distinct = pd.factorize(values[rows])
        texts = pd.Series(distinct).astype(np.int64).astype(str)
        found[rows] = seconds(pd.to_datetime(texts, format="%Y%m%d", errors="coerce"))[codes]
    return found
