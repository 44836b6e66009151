"""The animated picture of the README: a session page, an auction day and a warehouse side by side."""

from __future__ import annotations

from pathlib import Path

from pictures import FRAMES, play, write_frames
from PIL import Image

from sb3_ecom.core.registry import spec

IDS = ("EcomRec-v0", "EcomAds-v0", "EcomInventory-v0")
SIZE = (320, 240)


def write_three(path: Path, seed: int = 3) -> None:
    """Write the animation, unless it is there already."""
    if path.exists():
        return
    columns = [play(spec(env_id), seed) for env_id in IDS]
    frames = []
    for number in range(FRAMES):
        picture = Image.new("RGB", (SIZE[0] * len(IDS), SIZE[1]), "white")
        for place, column in enumerate(columns):
            frame = Image.fromarray(column[min(number, len(column) - 1)]).resize(SIZE, Image.LANCZOS)
            picture.paste(frame, (place * SIZE[0], 0))
        frames.append(picture.quantize(64))
    write_frames(frames, path)


if __name__ == "__main__":
    write_three(Path(__file__).parents[1] / "_static" / "three.gif")
