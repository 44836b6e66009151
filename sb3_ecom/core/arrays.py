"""Array backends: where the numbers live and where the randomness comes from.

Dynamics are written against the Python array API and never draw. A `Backend` draws the noise, holds the
tables and starts new episodes. `NumpyBackend` is the default; its torch twin lives in `sb3_ecom.sb3`,
because only that room may import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import array_api_compat
import numpy as np
from numpy.typing import NDArray

Array = Any  # an (n, ...) array of any namespace that array-api-compat knows
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Tree = TypeVar("Tree")  # an array, or a NamedTuple (possibly nested) of arrays


def keep_freed_memory() -> None:
    """Have the C library reuse the memory of a step's arrays instead of handing it back each time.

    glibc returns freed memory to the system above a threshold that grows with the largest block ever freed
    (mallopt(3), "dynamic mmap threshold"). At its first value arrays of a megabyte are mapped and cleared
    anew on every step, which took up to half of a step's time. Freeing one untouched block of nearly the
    32 MiB that the threshold can reach is all it takes; elsewhere it does nothing.
    """
    np.empty(30 << 20, dtype=np.uint8)


def array_namespace(*arrays: Array) -> Any:
    """Return the array-API namespace that the arrays share (NumPy or torch)."""
    first = arrays[0]
    if isinstance(first, np.ndarray):  # the hot path: array_api_compat's own check costs microseconds
        return np
    return array_api_compat.array_namespace(*arrays)


def index_range(size: int, like: Array) -> Array:
    """Return 0 .. size-1 where `like` lives."""
    if isinstance(like, np.ndarray):
        return np.arange(size)
    return array_namespace(like).arange(size, device=like.device)


def look_up(table: Array, rows: Array) -> Array:
    """Return ``table[rows]`` for int `rows` of any shape; on NumPy several times as fast as indexing."""
    return table.take(rows, axis=0) if isinstance(table, np.ndarray) else table[rows]


def take_rows(table: Array, rows: Array) -> Array:
    """Return ``table[rows]`` for int `rows` >= 0 (k,): on torch, too, several times as fast as indexing."""
    return look_up(table, rows) if isinstance(table, np.ndarray) else table.index_select(0, rows)


def sigmoid(logits: Array) -> Array:
    """Return the probabilities of logits; numbers are allowed, too."""
    xp = np if isinstance(logits, (float, np.generic)) else array_namespace(logits)
    return 1.0 / (1.0 + xp.exp(-logits))


def cut(array: Array, low: float, high: float) -> Array:
    """Return `array` clipped to [low, high]: on few NumPy values several times as fast as `clip`."""
    if isinstance(array, np.ndarray):
        return np.minimum(np.maximum(array, low), high)
    return array_namespace(array).clip(array, low, high)


def zeros(like: Array, *shape: int) -> Array:
    """Return zeros of this shape, of the type of `like` and where it lives."""
    return array_namespace(like).zeros(shape, dtype=like.dtype, device=like.device)


def is_floating(array: Array) -> bool:
    """Return whether the array holds floats."""
    if isinstance(array, np.ndarray):
        return bool(array.dtype.kind == "f")
    return bool(array_namespace(array).isdtype(array.dtype, "real floating"))


def columns_first(array: Array) -> Array:
    """Return the (K, n) copy of an (n, K) array: for few K, NumPy works along n many times as fast."""
    return array.T.copy() if isinstance(array, np.ndarray) else array.T.contiguous()


def update_where(old: Array, mask: Array, compute: Callable[[Any], Array]) -> Array:
    """Return a copy of the (n, ...) `old` with ``compute(rows)`` in those rows where (n,) `mask` is true.

    NumPy, which sees the mask, computes these rows only; elsewhere all are computed, and chosen from.
    """
    if isinstance(old, np.ndarray):
        new, rows = old.copy(), mask.nonzero()[0]
        if rows.size:
            new[rows] = compute(rows)
        return new
    xp = array_namespace(old)
    return xp.where(xp.reshape(mask, (-1,) + (1,) * (old.ndim - 1)), compute(slice(None)), old)


def set_true(book: Array, columns: Array, mask: Array) -> Array:
    """Return a copy of the (n, N) bool `book` with True at the (n,) `columns` where (n,) `mask` is true."""
    if isinstance(book, np.ndarray):
        new, rows = book.copy(), mask.nonzero()[0]
        if rows.size:
            new[rows, columns[rows]] = True
        return new
    new = book.clone()
    new[index_range(columns.shape[0], columns), columns] |= mask
    return new


def masked_fill(array: Array, mask: Array, value: float) -> Array:
    """Return a copy of `array` with `value` where `mask` is true: twice as fast as `where` on NumPy."""
    if isinstance(array, np.ndarray):
        filled = array.copy()
        np.copyto(filled, value, where=mask)
        return filled
    return array.masked_fill(mask, value)


def true_places(mask: Array) -> Array:
    """Return the (k,) int64 places where the (m,) `mask` is true, ascending."""
    if isinstance(mask, np.ndarray):
        return np.flatnonzero(mask)
    xp = array_namespace(mask)
    if _on_host(mask):  # NumPy's search is seven times as fast as torch's
        return xp.asarray(np.flatnonzero(mask.numpy()))
    return xp.nonzero(mask)[0]


def repeat(values: Array, counts: Array) -> Array:
    """Return every value of (n,) `values` as often as `counts` (n,) int says, in order."""
    if isinstance(values, np.ndarray):
        return np.repeat(values, counts)
    xp = array_namespace(values)
    if _on_host(values):  # as above
        return xp.asarray(np.repeat(values.numpy(), counts.numpy()))
    return xp.repeat(values, counts)


def _on_host(array: Array) -> bool:
    """Return whether NumPy can read the torch tensor where it lies."""
    return bool(hasattr(array, "numpy") and array.device.type == "cpu")


def tree_map(function: Callable[..., Array], tree: Tree, *others: Tree) -> Tree:
    """Apply `function` leaf by leaf over NamedTuples of arrays; ``None`` leaves stay ``None``."""
    if tree is None:
        return tree
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        leaves = [tree_map(function, *parts) for parts in zip(tree, *others, strict=True)]
        return type(tree)(*leaves)  # type: ignore[return-value]
    return function(tree, *others)  # type: ignore[no-any-return]


def tree_take(tree: Tree, rows: Array) -> Tree:
    """Return the given rows (axis 0) of every leaf."""
    return tree_map(lambda leaf: leaf[rows], tree)


def check_seed(seed: Any) -> int:
    """Return a seed as an int.

    Raises:
        ValueError: if it is no whole number >= 0 (one seed starts the streams of all copies).
    """
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not whole or seed < 0:
        raise ValueError(f"seed must be one whole number >= 0 for all copies, got {seed!r}")
    return int(seed)


class Backend(Protocol):
    """Interface of an array library to the step loop.

    Every draw returns float32 unless it says otherwise. `spawn(key)` returns an independent source whose
    numbers depend on `key` and the seed alone: resets draw from it, so that one copy's new episode can
    not shift another copy's noise.

    Attributes:
        gathers: whether the loop may ask which copies ended and treat only those (cheapest where the host
            sees the numbers); otherwise it merges old and new episodes over all rows, which needs no
            answer from a device.
    """

    gathers: bool

    def seed(self, seed: int | None) -> int:
        """Restart the stream; return the seed used."""
        ...

    def spawn(self, key: int) -> Backend:
        """Return an independent source keyed by the seed and `key`; it lives until the next `spawn`."""
        ...

    def asarray(self, values: Any) -> Array:
        """Return `values` as an array of this backend, floats as float32."""
        ...

    def uniform(self, shape: Sequence[int]) -> Array:
        """Draw U[0, 1)."""
        ...

    def normal(self, shape: Sequence[int]) -> Array:
        """Draw N(0, 1)."""
        ...

    def gamma(self, shape_parameter: Array, shape: Sequence[int]) -> Array:
        """Draw Gamma(shape_parameter, scale 1)."""
        ...

    def poisson(self, mean: Array, shape: Sequence[int]) -> Array:
        """Draw Poisson(mean) as int64."""
        ...


class NumpyBackend:
    """NumPy arrays and a PCG64 generator; resets draw from Philox streams keyed by the loop's clock."""

    gathers = True

    def __init__(self, generator: np.random.Generator | None = None) -> None:
        self.generator = generator if generator is not None else np.random.default_rng()
        self._key = 0
        self._child: NumpyBackend | None = None
        self._start: Any = None  # of the child's stream

    def seed(self, seed: int | None) -> int:
        """Restart the stream; return the seed used."""
        used = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else check_seed(seed)
        self.generator = np.random.default_rng(used)
        self._key = int(self.generator.integers(2**63))
        self._child = None
        return used

    def spawn(self, key: int) -> NumpyBackend:
        """Return a source whose numbers depend on the seed and `key` only, good until the next `spawn`."""
        if self._child is None:
            self._child = NumpyBackend(np.random.Generator(np.random.Philox(key=self._key)))
            self._start = self._child.generator.bit_generator.state
        # Moving a stream takes a sixth of the time of making one.
        self._start["state"]["counter"][2] = key
        self._child.generator.bit_generator.state = self._start
        return self._child

    def asarray(self, values: Any) -> Array:
        """Return `values` as an array, floats as float32."""
        array = np.asarray(values)
        return array.astype(np.float32) if array.dtype.kind == "f" else array

    def uniform(self, shape: Sequence[int]) -> Array:
        """Draw U[0, 1)."""
        return self.generator.random(tuple(shape), dtype=np.float32)

    def normal(self, shape: Sequence[int]) -> Array:
        """Draw N(0, 1)."""
        return self.generator.standard_normal(tuple(shape), dtype=np.float32)

    def gamma(self, shape_parameter: Array, shape: Sequence[int]) -> Array:
        """Draw Gamma(shape_parameter, scale 1)."""
        return self.generator.standard_gamma(shape_parameter, tuple(shape), dtype=np.float32)

    def poisson(self, mean: Array, shape: Sequence[int]) -> Array:
        """Draw Poisson(mean) as int64."""
        return self.generator.poisson(mean, tuple(shape))
