"""Keyed hashes of the ids of a log, which nobody without the key can find by trying ids out."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sb3_ecom.core.files import write_whole

HELP = (
    "item ids are written as HMAC-SHA256 under a random key, kept in FILE (default: <log>.hashkey beside the "
    "log): the shop can join them to its catalogue, others can not try ids out"
)


def hash_ids(ids: Sequence[str], key: bytes, digits: int = 12) -> list[str]:
    """Return the first hex digits of HMAC-SHA256(key, id): the same key and id give the same text.

    All 64 digits are given where fewer would make two ids the same.
    """
    whole = [hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for text in ids]
    short = [text[:digits] for text in whole]
    return short if len(set(short)) == len(short) else whole


@dataclass
class HashKey:
    """A key and where it is kept; a new one is written by `save`, so that a failed fit leaves no file.

    Attributes:
        value: the key.
        places: where a new key may be kept, in this order; None: it is kept already, or shall not be.
    """

    value: bytes
    places: tuple[Path, ...] | None = None

    @classmethod
    def find(cls, given: Path | None, log: Path, out: Path) -> HashKey:
        """Return the key of a log, or a new random one.

        Args:
            given: file named by the user, or None: beside the log, else beside `out`.
            log: the log.
            out: the preset.

        Raises:
            ValueError: if a key file can not be read or holds no key.
        """
        beside = (log.with_name(f"{log.name}.hashkey"), out.with_name(f"{out.name}.hashkey"))
        # A folder marked read-only is left alone, even where root could write to it.
        open_ones = tuple(path for path in beside if path.parent.stat().st_mode & 0o222)
        places = (given,) if given else (beside[0], *open_ones)
        for path in places:
            if path.is_file():
                return cls(read_key(path))
        return cls(secrets.token_bytes(32), (given,) if given else open_ones)

    def save(self) -> None:
        """Write a new key to the first place that can be written.

        Raises:
            ValueError: if there is none.
        """
        for path in self.places or ():
            if path.exists():  # another run's, since `find` looked
                continue
            with contextlib.suppress(OSError):
                write_whole(path, f"{self.value.hex()}\n".encode(), private=True)
                print(f"item ids are hashed; their key is kept in {path}")
                self.places = None
                return
        if self.places is not None:
            where = " or ".join(map(str, self.places)) or "read-only folders: name a FILE"
            raise ValueError(f"--hash-key: no key can be written to {where}")


def read_key(path: Path) -> bytes:
    """Return the key in a file.

    Raises:
        ValueError: if it can not be read or holds no key.
    """
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        raise ValueError(f"--hash-key: {path} can not be read as hex digits") from None
    if len(key) < 16:
        raise ValueError(f"--hash-key: {path} must hold >= 16 bytes as hex digits, got {len(key)} bytes")
    return key
