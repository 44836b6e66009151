"""Numbers as people write them: decimal point or comma, thousands separators, currency signs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from sb3_ecom.core.tables.columns import ColumnParser, Faults, as_numbers

Floats = NDArray[np.float64]

_MONEY = re.compile(r"^[^\W\d_]{0,3}[$€£¥₹₽₩₺₪฿]?|[$€£¥₹₽₩₺₪฿]?[^\W\d_]{0,3}$")
_SCALE = re.compile(r"\d\s*(?:k|m|b|bn|mn|mm|mio|mln|mrd|tsd|bin|am|pm)\.?$", re.IGNORECASE)  # no currency
_SPACE = re.compile(r"[\s\u00a0\u202f\u2009'\u2019]+")
_POINT = re.compile(r"^[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?$")  # 1,234.5
_COMMA = re.compile(r"^[+-]?(\d+|\d{1,3}(\.\d{3})+)?(,\d*)?$")  # 1.234,5


class NumberParser(ColumnParser):
    """Finite float64 numbers; with `whole`, whole ones.

    Whether a comma or a point is the decimal sign is decided by all rows, or given as `decimal`.
    """

    def __init__(self, name: str, whole: bool = False, decimal: str | None = None) -> None:
        super().__init__(name)
        self._whole = whole
        self._decimal = decimal
        self._point: Floats = np.zeros(0)  # the batch with a decimal point, and with a decimal comma
        self._comma: Floats = np.zeros(0)
        self._comma_parts: list[Floats] = []
        self._commas = False  # whether any kept number holds one
        self._has_comma: NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._plain = False  # whether any number has no separator

    def parse(self, column: pa.Array) -> Faults:
        """Hold the numbers of one batch, in both readings."""
        missing, numbers, texts = as_numbers(column)
        self._point, self._comma = numbers, numbers.copy()
        self._has_comma = np.zeros(len(numbers), dtype=bool)
        if texts is not None:
            self._read_separators(texts, missing)
        faults = [
            (f"{self.name} is missing", missing),
            (f"{self.name} is not a number", np.isnan(self._point) & np.isnan(self._comma) & ~missing),
            (f"{self.name} is infinite", np.isinf(numbers)),
        ]
        self._point[np.isinf(self._point)] = np.nan
        self._comma[np.isinf(self._comma)] = np.nan
        return faults

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Store the kept numbers."""
        self._parts.append(self._point[rows])
        self._comma_parts.append(self._comma[rows])
        self._commas |= bool(self._has_comma[rows].any())

    def finish(self) -> Faults:
        """Choose the decimal sign; find what is not whole."""
        if self._commas:
            self._parts = [self._choose(np.concatenate(self._parts), np.concatenate(self._comma_parts))]
        elif self._decimal == ",":
            self._parts = [np.concatenate(self._comma_parts)]
        self._comma_parts = []
        if not self._whole:
            return []
        self._parts = [self.values()]
        part = np.isfinite(self._parts[0]) & (self._parts[0] != np.floor(self._parts[0]))
        self._parts[0][part] = np.nan
        return [(f"{self.name} is not a whole number", part)]

    def _read_separators(self, texts: pd.Series[Any], missing: NDArray[np.bool_]) -> None:
        """Read what is no plain number, and plain ones whose point may part thousands."""
        read = np.isfinite(self._point)
        dotted = texts.str.contains(".", regex=False, na=False).to_numpy(dtype=bool)
        self._plain |= bool((read & ~dotted).any())
        rows = np.flatnonzero(~missing & (~read | dotted) & ~np.isinf(self._point))
        if not rows.size:
            return
        codes, distinct = pd.factorize(texts.iloc[rows])
        pairs = np.array([_read(str(text)) for text in distinct], dtype=float).reshape(-1, 2)
        point, comma = pairs[codes, 0], pairs[codes, 1]
        self._point[rows] = np.where(read[rows], self._point[rows], point)
        # "1e-3" is a number in either reading
        self._comma[rows] = np.where(read[rows] & np.isnan(point), self._point[rows], comma)
        holds = np.array(["," in str(text) for text in distinct], dtype=bool)
        self._has_comma[rows] = holds[codes]

    def _choose(self, point: Floats, comma: Floats) -> Floats:
        if self._decimal is not None:
            return comma if self._decimal == "," else point
        for_point = int((np.isfinite(point) & np.isnan(comma)).sum())
        for_comma = int((np.isfinite(comma) & np.isnan(point)).sum())
        open_ones = np.isfinite(point) & np.isfinite(comma) & (point != comma)
        if open_ones.any() and not for_point and not for_comma and not self._plain:
            raise ValueError(
                f"{self.name}: a comma may be the decimal sign or part thousands, both fit all "
                f"{point.size:,} rows: type --decimal , or --decimal ."
            )
        first, second = (comma, point) if for_comma > for_point else (point, comma)
        return np.where(np.isnan(first), second, first)


def _read(text: str) -> tuple[float, float]:
    """Return a text's number with a decimal point and with a decimal comma, NaN where it is none."""
    if _SCALE.search(text):  # 1.2K is not 1.2, 1 pm is not 1
        return np.nan, np.nan
    negative = text.startswith("(") and text.endswith(")") and len(text) > 2
    bare = _SPACE.sub("", text[1:-1] if negative else text)
    sign = -1.0 if negative else 1.0
    if bare[:1] in "+-" and bare:
        sign, bare = (-sign if bare[0] == "-" else sign), bare[1:]
    bare = _MONEY.sub("", bare)
    if bare[:1] in "+-" and bare:
        sign, bare = (-sign if bare[0] == "-" else sign), bare[1:]
    if not any(letter.isdigit() for letter in bare) or not bare.isascii():
        return np.nan, np.nan
    point = float(bare.replace(",", "")) if _POINT.match(bare) else np.nan
    comma = float(bare.replace(".", "").replace(",", ".")) if _COMMA.match(bare) else np.nan
    return sign * point, sign * comma
