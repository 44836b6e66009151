"""Decision log: every decision and reward in partitioned parquet, none lost once it was acknowledged.

A record is first appended to a journal (one JSON object a line) and handed to the operating system before
the caller goes on, so that it survives a kill of the process. At a bounded delay the journal becomes a
parquet file, written whole under a name that follows from the journal's; then the journal is removed. A
journal that a killed process left is turned into parquet when the log is opened again.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from sb3_ecom.core.files import write_whole

_JOURNALS = "journal"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One slate, bid or set of orders as it was served."""

    event_id: str
    visit: str
    time: float  # unix seconds, UTC
    number: int  # of the decision within the visit, from 0
    policy: str  # name@version
    explore: str  # see `exploration`
    context: Mapping[str, Any] = field(default_factory=dict)  # of the visit: landing item, hour, ...
    features: str = ""  # hash of the observation
    items: tuple[str, ...] = ()
    propensities: tuple[float, ...] = ()
    excluded: tuple[str, ...] = ()
    candidates: tuple[str, ...] | None = None  # the only items that might be shown, None: all on sale
    fallback: str | None = None  # why a rule decided in place of the policy
    shadow: tuple[str, ...] = ()  # what the policy would have shown, in shadow mode
    decision: Mapping[str, Any] = field(default_factory=dict)  # a bid or orders, where there is no page


@dataclass(frozen=True, kw_only=True)
class Reward:
    """What became of a decision."""

    event_id: str
    time: float
    clicked: str | None
    bought: bool = False


class DecisionLog:
    """Appends decisions and rewards; safe to use from several threads of one process.

    Args:
        folder: where the log lies; made where it is absent.
        delay: seconds after which a record lies in parquet, at most, > 0.
        rows: records after which a journal is closed early, >= 1.

    Raises:
        ValueError: on a delay or number of rows out of bounds.
    """

    def __init__(self, folder: str | Path, *, delay: float = 10.0, rows: int = 10_000) -> None:
        if not delay > 0:
            raise ValueError(f"delay must be > 0 seconds, got {delay}")
        if rows < 1:
            raise ValueError(f"rows must be >= 1, got {rows}")
        self.folder, self._delay, self._rows = Path(folder), delay, rows
        (self.folder / _JOURNALS).mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        self._path: Path | None = None
        self._written, self._opened = 0, 0.0
        # Parquet is written beside the requests: none of them waits for ten thousand rows.
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decision-log")
        self._pending: list[Future[None]] = []
        recover(self.folder)

    def append(self, record: Decision | Reward) -> None:
        """Write one record; when this returns, a kill of the process loses it no more."""
        kind = "decision" if isinstance(record, Decision) else "reward"
        line = json.dumps({"kind": kind, **vars(record)}, separators=(",", ":"), ensure_ascii=False)
        with self._lock:
            if self._file is None:
                self._open()
            assert self._file is not None
            self._file.write(line + "\n")
            self._file.flush()
            self._written += 1
            if self._written >= self._rows or time.monotonic() - self._opened > self._delay:
                self._roll()

    def flush(self) -> None:
        """Turn all records into parquet, and wait until they lie there.

        Raises:
            OSError: if a parquet file can not be written; the journal stays, and the next start takes it up.
        """
        with self._lock:
            if self._file is not None:
                self._roll()
            pending, self._pending = self._pending, []
        for each in pending:
            each.result()

    def flush_late(self) -> None:
        """Begin to turn the journal into parquet where its first record is older than the delay.

        Raises:
            OSError: if an earlier journal could not be turned into parquet.
        """
        with self._lock:
            if self._file is not None and time.monotonic() - self._opened > self._delay:
                self._roll()
            done = [each for each in self._pending if each.done()]
            self._pending = [each for each in self._pending if each not in done]
        for each in done:
            each.result()

    def close(self) -> None:
        """Flush; no record can be appended any more."""
        self.flush()
        self._writer.shutdown()

    def _open(self) -> None:
        name = f"{time.time_ns()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl"
        self._path = self.folder / _JOURNALS / name
        self._file = self._path.open("x", encoding="utf-8")
        _lock(self._file)
        self._written, self._opened = 0, time.monotonic()

    def _roll(self) -> None:
        assert self._file is not None
        assert self._path is not None
        self._pending.append(self._writer.submit(_finish, self.folder, self._path, self._file))
        self._file = None


def recover(folder: Path) -> int:
    """Turn journals of processes that are no more into parquet; return how many."""
    found = 0
    for path in sorted((folder / _JOURNALS).glob("*.jsonl")):
        try:
            with path.open(encoding="utf-8") as file:
                _lock(file)
                _to_parquet(folder, path)
        except (BlockingIOError, FileNotFoundError):  # somebody writes it, or has just finished it
            continue
        found += 1
    return found


def _lock(file: TextIO) -> None:
    """Hold a journal until it is closed, by the end of the process too.

    A process's number says less: it may be another's by now, or of another container.

    Raises:
        BlockingIOError: if it is held already.
    """
    try:
        import fcntl
    except ImportError:  # Windows lets nobody remove a file that is open: `_to_parquet` fails there
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _finish(folder: Path, journal: Path, file: TextIO) -> None:
    with file:
        if os.name == "nt":  # where an open file can not be removed
            file.close()
        _to_parquet(folder, journal)


def _to_parquet(folder: Path, journal: Path) -> None:
    """Write a journal's records as parquet, by kind and day, then remove it."""
    tables: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:  # the process died within the line: it was never acknowledged
            continue
        day = datetime.fromtimestamp(record["time"], UTC).strftime("%Y-%m-%d")
        tables.setdefault((record.pop("kind"), day), []).append(record)
    for (kind, day), records in tables.items():
        target = folder / f"{kind}s" / f"day={day}" / f"{journal.stem}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, _encode(kind, records))
    journal.unlink()


def _encode(kind: str, records: list[dict[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for record in records:
        for name in ("context", "decision"):
            if name in record:
                record[name] = json.dumps(record[name], ensure_ascii=False)
    table = pa.Table.from_pylist(records, schema=schema(kind))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


def schema(kind: str) -> Any:
    """Return the pyarrow schema of decisions or rewards."""
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    if kind == "reward":
        return pa.schema([("event_id", text), ("time", number), ("clicked", text), ("bought", pa.bool_())])
    return pa.schema(
        [
            *(("event_id", text), ("visit", text), ("time", number), ("number", pa.int64())),
            *(("policy", text), ("explore", text), ("context", text), ("features", text)),
            *(("items", pa.list_(text)), ("propensities", pa.list_(number)), ("excluded", pa.list_(text))),
            *(("candidates", pa.list_(text)), ("fallback", text), ("shadow", pa.list_(text))),
            ("decision", text),
        ]
    )
