"""Turn raw columns, batch by batch, into codes, numbers and times, and find the cells that do not parse."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Faults = list[tuple[str, NDArray[np.bool_]]]  # (reason, rows)

_MISSING = ("", "nan", "null", "none", "na", "n/a", "-", "--")
_NO_ID = ("nan", "null", "none", "#n/a", "-", "--", "undefined", "(not set)", "(none)", "(null)")
_MANGLED = r"^[+-]?\d(?:[.,]\d+)?[eE]\+\d{1,2}$"  # what Excel leaves of a long number: 8.71E+12
_MOST_MANGLED = 0.01  # of the rows


class ColumnParser(ABC):
    """Collects one column over many batches.

    Args:
        name: of the column, for the reasons.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.notes: list[str] = []  # what the user should know
        self._parts: list[NDArray[Any]] = []

    @abstractmethod
    def parse(self, column: pa.Array) -> Faults:
        """Parse one batch, hold it, and return the rows that fail; their cells become NaN (or the id "")."""

    @abstractmethod
    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Store these rows of the batch parsed last."""

    def finish(self) -> Faults:
        """Decide what only the whole column tells; return the kept rows that fail after all.

        Raises:
            ValueError: if the column can be read in two ways; says what to type.
        """
        return []

    def values(self) -> NDArray[Any]:
        """Return all rows kept so far."""
        return np.concatenate(self._parts) if self._parts else np.zeros(0)


class IdParser(ColumnParser):
    """Codes 0, 1, ... in the order of appearance; `labels[code]` is the id as text."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._codes: dict[str, int] = {}
        self._text: Any = None

    @property
    def labels(self) -> list[str]:
        """The distinct ids; a kept missing id is the empty text."""
        return list(self._codes)

    def parse(self, column: pa.Array) -> Faults:
        """Hold the ids of one batch as trimmed text."""
        text = pc.fill_null(pc.utf8_trim_whitespace(as_text(column)), "")
        self._text = pc.if_else(pc.is_in(pc.utf8_lower(text), pa.array(_NO_ID)), "", text)
        return [(f"{self.name} is missing", np.asarray(pc.equal(self._text, "")))]

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Give the kept ids their codes."""
        encoded = self._text.filter(pa.array(rows)).dictionary_encode()
        codes = [self._codes.setdefault(text, len(self._codes)) for text in encoded.dictionary.to_pylist()]
        self._parts.append(np.asarray(codes, dtype=np.int32)[encoded.indices.to_numpy()])

    def finish(self) -> Faults:
        """Refuse ids whose last digits are lost: different ones look alike."""
        mangled = np.array([re.match(_MANGLED, label) is not None for label in self._codes], dtype=bool)
        rows = int(mangled[self.values().astype(np.int64)].sum()) if mangled.any() else 0
        if rows > _MOST_MANGLED * self.values().size:
            raise ValueError(
                f"{self.name}: {rows:,} rows hold numbers in scientific notation, as Excel writes long ones: "
                "their last digits are lost, and different ids look alike; export the column as text"
            )
        return []


def as_text(column: pa.Array) -> pa.Array:
    """Return a column as strings; whole numbers that pandas wrote as floats lose their ".0"."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):  # an integer id column with gaps, written by pandas
        numbers = column.to_numpy(zero_copy_only=False)
        finite = numbers[np.isfinite(numbers)]
        if np.all(finite == np.floor(finite)):
            column = pc.cast(pc.if_else(pc.is_finite(column), column, None), pa.int64())
    return column.cast(pa.string())


def as_numbers(
    column: pa.Array,
) -> tuple[NDArray[np.bool_], NDArray[np.float64], pd.Series[Any] | None]:
    """Return (missing, numbers, trimmed texts or None); a number that does not parse is NaN, not missing."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts = pd.Series(pc.utf8_trim_whitespace(column).to_pandas(), dtype=object)
        missing = (texts.isna() | texts.str.lower().isin(_MISSING)).to_numpy(dtype=bool)
        numbers = pd.to_numeric(texts.where(~missing), errors="coerce").to_numpy(dtype=np.float64, copy=True)
        return missing, numbers, texts
    numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False).copy()
    return np.isnan(numbers), numbers, None
