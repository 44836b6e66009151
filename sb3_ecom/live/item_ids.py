"""The shop's item ids as text, and the numbers by which tables and policies know them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sb3_ecom.core.tables.hashing import hash_ids, read_key


class ItemIds:
    """Two-way map of N item ids.

    Args:
        ids: N texts, all different.

    Raises:
        ValueError: if an id stands twice.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = tuple(ids)
        self._numbers = {text: number for number, text in enumerate(self.ids)}
        if len(self._numbers) < len(self.ids):
            twice = next(text for text in self.ids if self.ids.count(text) > 1)
            raise ValueError(f"item ids must be different, {twice!r} stands twice")

    def __len__(self) -> int:
        """Return N."""
        return len(self.ids)

    def __contains__(self, text: object) -> bool:
        """Return whether an id is known."""
        return text in self._numbers

    def find(self, text: str | None) -> int:
        """Return an item's number, -1 where the id is unknown or None."""
        return -1 if text is None else self._numbers.get(text, -1)

    def number(self, text: str, what: str = "item") -> int:
        """Return an item's number.

        Raises:
            ValueError: if the id is unknown.
        """
        try:
            return self._numbers[text]
        except (KeyError, TypeError):
            raise ValueError(f"{what} {text!r} is not among the {len(self)} items of this policy") from None

    def numbers(self, texts: Iterable[str], what: str = "item") -> list[int]:
        """Return the numbers of several items.

        Raises:
            ValueError: if an id is unknown.
        """
        return [self.number(text, what) for text in texts]


def own_ids(
    ids: Sequence[str], known: Iterable[str] | None, hash_key: str | Path | None
) -> tuple[str, ...] | None:
    """Return the texts behind a preset's ids; None where they stand for themselves.

    Args:
        ids: N ids as the preset holds them.
        known: the shop's own item ids, where those are hashes.
        hash_key: file with the key of the hashes.

    Raises:
        ValueError: if one of the last two is given without the other, or as `unhash`.
    """
    if hash_key is None and known is not None:
        raise ValueError("item_ids needs hash_key, the key file that calibrate wrote beside the log")
    if hash_key is None:
        return None
    if known is None:
        raise ValueError("hash_key needs item_ids, the shop's own ids")
    return unhash(ids, known, Path(hash_key))


def unhash(hashed: Sequence[str], known: Iterable[str], key: Path) -> tuple[str, ...]:
    """Return the texts behind hashed ids, given all ids that the shop has and the key of its hashes.

    Args:
        hashed: N ids as the preset holds them.
        known: the shop's own item ids.
        key: file that `calibrate` wrote beside the log.

    Raises:
        ValueError: if a hash belongs to none of them, or the key can not be read.
    """
    texts = list(dict.fromkeys(known))
    secret = read_key(key)
    found = dict(zip(hash_ids(texts, secret), texts, strict=True))
    found |= dict(zip(hash_ids(texts, secret, digits=64), texts, strict=True))
    missing = [text for text in hashed if text not in found]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(hashed)} hashed items belong to none of the {len(texts)} ids given: "
            f"is {key} the key of this preset, and are all its items listed?"
        )
    return tuple(found[text] for text in hashed)
