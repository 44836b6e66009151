"""A shop's SKUs as text, plain or hashed, and the order in which a policy knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import is_number
from sb3_ecom.core.tables.hashing import hash_ids, read_key


class SkuNames:
    """Names of N items, and vectors of units by them.

    Args:
        names: N names, in the order of the preset.
        key: of the hashes, where the names are HMAC-SHA256 texts: callers then give the SKUs themselves.

    Raises:
        ValueError: if a name stands twice.
    """

    def __init__(self, names: Sequence[str], key: bytes | None = None) -> None:
        self.names = tuple(names)
        self._key, self._numbers = key, {name: number for number, name in enumerate(self.names)}
        self._hashes: dict[str, str] = {}  # of SKUs that were given
        if len(self._numbers) < len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise ValueError(f"skus must be different, {twice!r} stands twice")

    def __len__(self) -> int:
        """Return N."""
        return len(self.names)

    def number(self, sku: str) -> int:
        """Return the place of a SKU.

        Raises:
            ValueError: if the policy does not know it.
        """
        name = str(sku)
        if self._key is not None:
            name = self._hash(name, self._key)
        if name not in self._numbers:
            raise ValueError(f"sku {sku!r} is not among the {len(self)} items of this policy{self._hint()}")
        return self._numbers[name]

    def units(
        self, given: Mapping[str, Any], what: str, *, whole: bool = True, negative: bool = False
    ) -> dict[int, float]:
        """Return units by place.

        Args:
            given: units by SKU.
            what: for messages.
            whole: whether parts of a unit are an error.
            negative: whether numbers below 0 are allowed.

        Raises:
            ValueError: on an unknown or repeated SKU, or a number that can not be right.
        """
        found: dict[int, float] = {}
        for sku, value in given.items():
            number = self.number(sku)
            bound = "a whole number" if whole else "a finite number"
            low = "" if negative else " >= 0"
            if not is_number(value) or (whole and value != int(value)) or (value < 0 and not negative):
                raise ValueError(f"{what} of {sku!r} must be {bound}{low} of units, got {value!r}")
            if number in found:
                raise ValueError(f"{what} names {sku!r} twice")
            found[number] = float(value)
        return found

    def vector(self, given: Mapping[str, Any], what: str, **checks: bool) -> Array:
        """Return (1, N) float32 units; 0 for a SKU that is not named."""
        found = np.zeros((1, len(self)), np.float32)
        for number, value in self.units(given, what, **checks).items():
            found[0, number] = value
        return found

    def flags(self, skus: Iterable[str]) -> Array:
        """Return (1, N) bool, true for the SKUs that are named."""
        found = np.zeros((1, len(self)), dtype=bool)
        for sku in skus:
            found[0, self.number(sku)] = True
        return found

    def all_of(self, given: Mapping[str, Any], what: str) -> list[str]:
        """Return the caller's SKUs in the order of the policy.

        Raises:
            ValueError: if one is missing or unknown.
        """
        found: list[str | None] = [None] * len(self)
        for sku in given:
            found[self.number(sku)] = sku
        missing = [name for name, sku in zip(self.names, found, strict=True) if sku is None]
        if missing:
            shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
            raise ValueError(f"{what} must name all {len(self)} items, {len(missing)} are missing: {shown}")
        return [sku for sku in found if sku is not None]

    def _hash(self, sku: str, key: bytes) -> str:
        """Return the name of a SKU as the preset holds it, see `hash_ids`."""
        if sku not in self._hashes:
            (found,) = hash_ids([sku], key, len(self.names[0]))
            if found not in self._numbers:
                return found
            self._hashes[sku] = found
        return self._hashes[sku]

    def _hint(self) -> str:
        hashed = all(len(name) in (12, 64) and set(name) <= set("0123456789abcdef") for name in self.names)
        if self._key is not None:
            return ", hashed with this key"
        if hashed:
            return ": they are hashed, give hash_key, the file beside the log"
        numbered = self.names == tuple(str(number) for number in range(1, len(self) + 1))
        return ": they have no names and go by their numbers, '1' and up (or give skus)" if numbered else ""


def read_hash_key(path: str | Path) -> bytes:
    """Return the key of a preset's hashed ids.

    Raises:
        ValueError: if there is no such file, or it holds no key.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"hash_key must be the file that calibrate wrote beside the log, got {str(path)!r}")
    return read_key(file)
