"""Pictures of an episode as one moving picture: a gif by Pillow, an mp4 by moviepy."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import check_choice, check_number
from sb3_ecom.core.extras import import_extra
from sb3_ecom.core.files import check_writable, open_whole, write_whole

SUFFIXES = (".gif", ".mp4")
_COLOURS = 128  # of a gif: ours are drawings


def check_movie(path: Path) -> None:
    """Say before an episode is played that its movie could not be written.

    Raises:
        ValueError: on another suffix than `SUFFIXES`, or a folder that can not be written.
        ImportError: if an mp4 is asked for without the extra `video`.
    """
    check_choice("the movie's suffix", path.suffix.lower(), SUFFIXES)
    check_writable(path, path.suffix.lower())
    if path.suffix.lower() == ".mp4":
        import_extra("moviepy", "video", "an mp4")


def write_movie(frames: Sequence[Array], path: Path, fps: float = 2.5, width: int | None = None) -> None:
    """Write (height, width, 3) uint8 frames as `path`, which ends in .gif or .mp4.

    Args:
        frames: at least one, all of one size.
        path: written as a whole or not at all.
        fps: frames a second.
        width: pixels to which the frames are scaled; None keeps theirs.

    Raises:
        ValueError: on no frames, another suffix, or `fps` out of (0, 100].
    """
    if not len(frames):
        raise ValueError("frames must hold a picture, got none")
    check_number("fps", fps, low=0.01, high=100)
    check_movie(path)
    pictures = [_scaled(frame, width) for frame in frames]
    if path.suffix.lower() == ".gif":
        _write_gif(pictures, path, fps)
    else:
        _write_mp4(pictures, path, fps)


def _scaled(frame: Array, width: int | None) -> Any:
    from PIL import Image

    picture = Image.fromarray(frame)
    if width is None:
        return picture
    height = round(width * picture.height / picture.width)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _write_gif(pictures: list[Any], path: Path, fps: float) -> None:
    small = [picture.quantize(_COLOURS) for picture in pictures]
    with open_whole(path) as file:
        small[0].save(
            file,
            format="gif",
            save_all=True,
            append_images=small[1:],
            duration=round(1000 / fps),
            loop=0,
            optimize=True,
        )


def _write_mp4(pictures: list[Any], path: Path, fps: float) -> None:
    import numpy as np

    moviepy = import_extra("moviepy", "video", "an mp4")
    clip = moviepy.ImageSequenceClip([np.asarray(picture) for picture in pictures], fps=fps)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "movie.mp4"
        clip.write_videofile(str(made), codec="libx264", audio=False, logger=None)
        write_whole(path, made.read_bytes())
