"""Where running visits are kept: in the memory of the process, or in Redis for several processes."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Protocol

_STRIPES = 64  # locks that the visits in memory share


class UnknownVisitError(ValueError):
    """A visit or event that was never there, or whose time is over."""


class StoreUnavailableError(OSError):
    """The visits can not be reached just now."""


class VisitStore(Protocol):
    """Keeps one JSON-like record per visit for a limited time."""

    def get(self, visit: str) -> dict[str, Any] | None:
        """Return the record of a visit; None where it is unknown or too old."""

    def put(self, visit: str, record: dict[str, Any]) -> None:
        """Keep a record; its time to live starts anew."""

    def lock(self, visit: str) -> AbstractContextManager[Any]:
        """Return a context in which no other thread or process reads and writes this visit."""

    def __len__(self) -> int:
        """Return how many visits are kept."""


class MemoryStore:
    """Visits in the memory of this process.

    Args:
        time_to_live: seconds after the last record of a visit, > 0.
        most: visits kept; beyond it the oldest go first.
    """

    def __init__(self, time_to_live: float = 1800.0, most: int = 100_000) -> None:
        if not time_to_live > 0:
            raise ValueError(f"time_to_live must be > 0 seconds, got {time_to_live}")
        if most < 1:
            raise ValueError(f"most must be >= 1 visit, got {most}")
        self._time_to_live, self._most = time_to_live, most
        self._kept: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()
        self._own = threading.Lock()  # of the dictionary
        self._locks = tuple(threading.Lock() for _ in range(_STRIPES))

    def get(self, visit: str) -> dict[str, Any] | None:
        """Return the record of a visit; None where it is unknown or too old."""
        with self._own:
            until, record = self._kept.get(visit, (0.0, None))
            if record is not None and until < time.monotonic():
                del self._kept[visit]
                return None
            return record

    def put(self, visit: str, record: dict[str, Any]) -> None:
        """Keep a record; its time to live starts anew."""
        now = time.monotonic()
        with self._own:
            self._kept[visit] = (now + self._time_to_live, record)
            self._kept.move_to_end(visit)
            while self._kept:
                oldest = next(iter(self._kept))
                if len(self._kept) <= self._most and self._kept[oldest][0] >= now:
                    break
                del self._kept[oldest]

    def lock(self, visit: str) -> AbstractContextManager[Any]:
        """Return a lock that this visit shares with a few others."""
        return self._locks[hash(visit) % _STRIPES]

    def __len__(self) -> int:
        """Return how many visits are kept."""
        return len(self._kept)


class RedisStore:
    """Visits in Redis, shared by all processes that serve a shop; they survive a restart of ours.

    Args:
        url: such as ``redis://localhost:6379/0``.
        time_to_live: seconds after the last record of a visit, > 0.
        prefix: of the keys.

    Raises:
        ValueError: if the extra `serve` is missing.
    """

    def __init__(self, url: str, time_to_live: float = 1800.0, prefix: str = "sb3_ecom:visit:") -> None:
        try:
            import redis
        except ImportError as error:
            raise ValueError(f"--state {url} needs redis: pip install 'sb3-ecom[serve]'") from error
        if not time_to_live > 0:
            raise ValueError(f"time_to_live must be > 0 seconds, got {time_to_live}")
        retry = redis.retry.Retry(redis.backoff.ExponentialBackoff(cap=0.5, base=0.02), 8)
        errors = [redis.exceptions.ConnectionError, redis.exceptions.TimeoutError]
        self._redis = redis
        self._client = redis.Redis.from_url(
            url, socket_timeout=2.0, socket_connect_timeout=2.0, retry=retry, retry_on_error=errors
        )
        self._milliseconds, self._prefix = int(time_to_live * 1000), prefix

    def get(self, visit: str) -> dict[str, Any] | None:
        """Return the record of a visit; None where it is unknown or too old."""
        with self._reached():
            found = self._client.get(self._prefix + visit)
        return None if found is None else dict(json.loads(found))

    def put(self, visit: str, record: dict[str, Any]) -> None:
        """Keep a record; its time to live starts anew."""
        with self._reached():
            self._client.set(self._prefix + visit, json.dumps(record), px=self._milliseconds)

    @contextmanager
    def lock(self, visit: str) -> Iterator[None]:
        """Hold Redis' lock of this visit; one that died with it gives it up after ten seconds."""
        lock = self._client.lock(
            f"{self._prefix}{visit}:lock", timeout=10.0, sleep=0.002, blocking_timeout=10.0
        )
        with self._reached():
            lock.acquire()
        try:
            yield
        finally:
            with self._reached(), suppress(self._redis.exceptions.LockError):  # Redis began anew meanwhile
                lock.release()

    def __len__(self) -> int:
        """Return how many keys the database holds."""
        with self._reached():
            return int(self._client.dbsize())

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Turn redis' own errors into one that a caller knows."""
        try:
            yield
        except (self._redis.exceptions.ConnectionError, self._redis.exceptions.TimeoutError) as error:
            raise StoreUnavailableError(f"Redis does not answer: {error}") from error
        except self._redis.exceptions.LockError as error:
            raise StoreUnavailableError(f"a visit is held by another request: {error}") from error


def open_store(address: str, time_to_live: float) -> VisitStore:
    """Return the store of ``memory`` or of a ``redis://`` address.

    Raises:
        ValueError: on another address.
    """
    if address == "memory":
        return MemoryStore(time_to_live)
    if address.startswith(("redis://", "rediss://", "unix://")):
        return RedisStore(address, time_to_live)
    raise ValueError(f"--state must be memory or redis://HOST:PORT/DB, got {address!r}")
