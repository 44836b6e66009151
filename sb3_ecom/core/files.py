"""Write a file as a whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def check_writable(path: Path, suffix: str) -> None:
    """Say before a long computation that its result could not be saved.

    Raises:
        ValueError: if the suffix is another one, or the folder is absent or can not be written.
    """
    if path.suffix.lower() != suffix:
        raise ValueError(f"{path} must end in {suffix}")
    if path.is_dir():
        raise ValueError(f"{path} is a folder")
    if not path.parent.is_dir():
        raise ValueError(f"the folder of {path} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"the folder of {path} can not be written")


def content_key(path: str | Path) -> str | None:
    """Return a hash of a file's content, None where there is no such file.

    A cache of what was read needs it beside the path: a file may be written anew under the same name.
    """
    path = Path(path)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def write_whole(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file by way of `open_whole`."""
    with open_whole(path, private=private) as file:
        file.write(content)


@contextmanager
def open_whole(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Give a temporary file beside `path`, and rename it at the end.

    An error, a full disk or a kill leaves the old file, or none.

    Args:
        path: what is written; a link's target, and straight into what is no file (a pipe, /dev/stdout).
        private: only its owner may read it.
    """
    path = path.resolve()
    if path.exists() and not path.is_file() and not path.is_dir():
        with path.open("wb") as device:
            yield device
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if not private:  # mkstemp's own mode is
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(name)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # "No space left on device" names no file
        raise
