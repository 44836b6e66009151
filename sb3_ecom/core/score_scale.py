"""The scale of scores on the arguments at hand: 0 is random, 1 the best known."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from sb3_ecom.core.effort import only_cheap
from sb3_ecom.core.files import content_key, write_whole
from sb3_ecom.core.registry import Spec, spec

_APART = 1.96  # standard errors between the ends of a scale that says something
_EPISODES, _SEED = 1024, 1_224  # on which random is measured


class Scale(NamedTuple):
    """Returns that score 0 and 1."""

    low: float
    high: float
    reference: str  # whose return scores 1
    of_defaults: bool  # whether the ends are the figures on record for the id's default arguments

    def score(self, value: float) -> float:
        """Return (value - low) / (high - low)."""
        return (value - self.low) / (self.high - self.low)

    def __str__(self) -> str:
        """Say which returns score 0 and 1, and where they are from."""
        source = "on record, of other episodes" if self.of_defaults else "measured with these arguments"
        return f"score 0 = random ({self.low:.6g}), 1 = {self.reference} ({self.high:.6g}); {source}"


def unknown_scale() -> Scale | str:
    """Say that a result does not know its id."""
    return "the id and its arguments are not known"


def scale_of(env_id: str, kwargs: Mapping[str, Any]) -> Scale | str:
    """Return the scale of an id's scores with these arguments, or why there is none.

    With default arguments it is that of the figures on record. With others random is simulated, and the best
    is what the id's oracle says of these arguments, where that is cheap. What was found is kept in the user's
    cache folder (`cache_folder`).
    """
    entry = spec(env_id)
    if not kwargs:
        return Scale(entry.random.value, entry.best_known.value, entry.best_known_kind, True)
    key = _key(entry, kwargs)
    if key is None:
        return measure_scale(entry, kwargs)
    kept = _read(key)
    if kept is not None:
        return kept
    found = measure_scale(entry, kwargs)
    if isinstance(found, Scale):
        _write(key, found)
    return found


def measure_scale(entry: Spec, kwargs: Mapping[str, Any]) -> Scale | str:
    """Return the scale, computed anew, or why there is none."""
    from sb3_ecom.core.evaluate import evaluate

    try:
        with only_cheap():
            best = entry.oracle(**kwargs)
    except ValueError as error:
        return f"the best return of these arguments is not known: {error}"
    random = evaluate(entry.id, "random", episodes=_EPISODES, seed=_SEED, **kwargs)
    if not best.value - random.mean > _APART * (random.stderr**2 + best.stderr**2) ** 0.5:
        return f"random earns as much as the best known ({best.kind})"
    return Scale(random.mean, best.value, "optimum" if best.kind == "optimal" else best.kind, False)


def cache_folder() -> Path:
    """Return the folder that keeps measured scales, of this user and version."""
    from platformdirs import user_cache_path

    from sb3_ecom import __version__

    return Path(user_cache_path("sb3_ecom", appauthor=False)) / __version__ / "scales"


def _key(entry: Spec, kwargs: Mapping[str, Any]) -> str | None:
    """Return a mark of id and arguments, with the content of a preset's file; None: no two runs share it."""
    text = repr((entry.id, sorted(kwargs.items())))
    if " at 0x" in text:
        return None
    preset = kwargs.get("preset")
    content = content_key(preset) if isinstance(preset, str | Path) else None
    return hashlib.sha256(f"{text} {content}".encode()).hexdigest()[:32]


@lru_cache(maxsize=256)
def _kept(path: Path, _changed: float) -> Scale:
    return Scale(**json.loads(path.read_text(encoding="utf-8")))


def _read(key: str) -> Scale | None:
    path = cache_folder() / f"{key}.json"
    try:
        return _kept(path, path.stat().st_mtime)
    except (OSError, ValueError, TypeError):
        return None


def _write(key: str, found: Scale) -> None:
    with contextlib.suppress(OSError):  # a home that can not be written costs time, no more
        cache_folder().mkdir(parents=True, exist_ok=True)
        write_whole(cache_folder() / f"{key}.json", json.dumps(found._asdict()).encode())
