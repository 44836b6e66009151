"""Find out how a CSV file is written: delimiter, encoding, compression, lines above the header."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SNIFFED_BYTES = 1 << 20  # the header must lie within
_DELIMITERS = ",;\t|"
_TITLE_LINES = 30  # lines looked at for a header below a title
_HEADER_SHARE = 0.6  # of the most cells of a line; a title has fewer
_GZIP, _ZIP, _UTF_16 = b"\x1f\x8b", b"PK\x03\x04", (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a CSV file is written."""

    names: list[str]
    delimiter: str
    skipped: int  # lines above the header
    encoding: str
    gzipped: bool


def read_layout(path: Path, encoding: str) -> Layout:
    """Find out how a CSV file is written."""
    with open(path, "rb") as file:
        magic = file.read(4)
    if magic == _ZIP:
        raise ValueError(f"{path} is a zip archive or an Excel workbook: save it as CSV")
    gzipped = path.suffix.lower() == ".gz" or magic[:2] == _GZIP
    opener: Any = gzip.open if gzipped else open
    with opener(path, "rb") as file:
        start = file.read(_SNIFFED_BYTES)
    if start[:2] in _UTF_16 and encoding == "utf-8":  # "Unicode text" of Excel, exports of Google Ads
        encoding, start = "utf-16", start[: len(start) // 2 * 2]
    # Bad UTF-8 is reported where the wanted columns are read: it may lie in a column that nobody wants.
    text = start.decode(encoding, errors="replace" if encoding == "utf-8" else "strict").lstrip("\ufeff")
    lines = text.splitlines()[:_TITLE_LINES]
    if not any(line.strip() for line in lines):
        raise ValueError(f"{path} is empty: it has no header")
    row, delimiter = _find_header(lines)
    names = next(csv.reader([lines[row]], delimiter=delimiter))
    if any("\x00" in name for name in names):
        raise ValueError(f"{path} can not be read: its header is not text")
    return Layout(names=names, delimiter=delimiter, skipped=row, encoding=encoding, gzipped=gzipped)


def _find_header(lines: Sequence[str]) -> tuple[int, str]:
    """Return the row of the header and the delimiter: the header may stand below a title."""
    first = next(row for row, line in enumerate(lines) if line.strip())
    told = re.fullmatch(r'"?sep=(.)"?', lines[first].strip(" \r"))
    if told and first + 1 < len(lines):
        return first + 1, told[1]
    for row in range(first, len(lines) - 1):
        delimiter = max(_DELIMITERS, key=lines[row].count)
        cells = [next(csv.reader([line], delimiter=delimiter), []) for line in lines[row:]]
        filled = [sum(cell.strip() != "" for cell in line) for line in cells]
        # A title has fewer cells than the header; the row below the header has as many.
        if (
            filled[0] >= 2
            and filled[0] >= _HEADER_SHARE * max(filled)
            and (row == first or len(cells[0]) == len(cells[1]))
        ):
            return row, delimiter
    return first, max(_DELIMITERS, key=lines[first].count)
