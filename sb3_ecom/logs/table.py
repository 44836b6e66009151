"""The flat table of a log: one row per item shown, with the chance that it was shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.files import open_whole

#: Column names that are taken without being told, the Open Bandit log's among them.
NAMES: Mapping[str, tuple[str, ...]] = {
    "session": ("session", "session_id"),
    "impression": ("impression", "impression_id"),
    "item": ("item", "item_id"),
    "position": ("position",),
    "propensity": ("propensity", "propensity_score", "pscore"),
    "reward": ("reward", "click"),
}
_OPTIONAL = ("session", "impression", "position")


@dataclass(frozen=True, kw_only=True)
class Log:
    """m items shown; rows of one page share their `impression`, pages of one visit their `session`.

    Raises:
        ValueError: on columns of different lengths, or a propensity outside (0, 1]; names row and value.
    """

    impression: Array  # (m,) int
    item: Array  # (m,) int
    position: Array  # (m,) int, 0 is the top
    propensity: Array  # (m,) chance that the logging policy put this item there
    reward: Array  # (m,)
    session: Array = None  # (m,) int; without it every impression is a visit of its own

    def __post_init__(self) -> None:
        if self.session is None:
            object.__setattr__(self, "session", self.impression)
        for field in fields(self):
            kind = np.float64 if field.name in ("propensity", "reward") else np.int64
            column = np.asarray(getattr(self, field.name))
            if column.ndim != 1 or column.shape != np.shape(self.item):
                raise ValueError(f"{field.name} must have shape {np.shape(self.item)}, got {column.shape}")
            if column.size and not np.isfinite(column.astype(np.float64)).all():
                raise ValueError(f"{field.name} must be finite in every row")
            object.__setattr__(self, field.name, column.astype(kind))
        wrong = np.flatnonzero((self.propensity <= 0) | (self.propensity > 1))
        if wrong.size:
            row = int(wrong[0])
            raise ValueError(f"propensity must be in (0, 1], got {self.propensity[row]} in row {row}")

    def __len__(self) -> int:
        """Return m."""
        return len(self.item)


def write_table(log: Log, path: str | Path) -> None:
    """Write a log as .csv or .parquet.

    Raises:
        ValueError: on another suffix.
    """
    import pandas as pd

    target, columns = Path(path), {field.name: getattr(log, field.name) for field in fields(log)}
    table = pd.DataFrame(columns)
    if target.suffix not in (".csv", ".parquet"):
        raise ValueError(f"a log is written as .csv or .parquet, got {target.suffix!r}")
    with open_whole(target) as file:
        if target.suffix == ".csv":
            table.to_csv(file, index=False)
        else:
            table.to_parquet(file, index=False)


def read_table(path: str | Path, **names: str) -> Log:
    """Read a log from .csv or .parquet.

    Columns are found by the names in `NAMES`; a file without impressions is read as one per row, one without
    sessions as one per impression, one without positions as all at the top. Positions that start at 1 are
    moved to start at 0.

    Args:
        path: the file.
        **names: column of the file to take, e.g. ``reward="purchase"``.

    Raises:
        ValueError: on a missing column (the file's columns are listed), an unknown keyword or a bad row.
    """
    import pandas as pd

    source = Path(path)
    for keyword in names:
        if keyword not in NAMES:
            raise ValueError(f"a log has the columns {', '.join(NAMES)}, got {keyword!r}")
    if source.suffix not in (".csv", ".parquet"):
        raise ValueError(f"a log is read from .csv or .parquet, got {source.suffix!r}")
    table = pd.read_csv(source) if source.suffix == ".csv" else pd.read_parquet(source)
    columns: dict[str, Any] = {}
    for key, known in NAMES.items():
        found = [name for name in ((names[key],) if key in names else known) if name in table]
        if found:
            columns[key] = table[found[0]].to_numpy()
        elif key in names or key not in _OPTIONAL:
            wanted = names.get(key, " or ".join(known))
            raise ValueError(
                f"{source} must have a column {wanted}, got {', '.join(map(str, table.columns))}"
            )
    rows = len(table)
    columns.setdefault("impression", np.arange(rows))
    columns.setdefault("position", np.zeros(rows, dtype=np.int64))
    if rows and columns["position"].min() == 1:
        columns["position"] = columns["position"] - 1
    return Log(**columns)
