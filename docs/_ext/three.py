"""Pictures of the README: a session page, an auction day and a warehouse, side by side and one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pictures import FRAMES, play
from PIL import Image

from sb3_ecom.core.files import open_whole
from sb3_ecom.core.movies import write_movie
from sb3_ecom.core.registry import spec

STILLS = {
    "recommendation": "EcomRec-v0",
    "advertising": "EcomAds-v0",
    "inventory": "EcomInventory-v0",
    "pricing": "EcomPricing-v0",
}
MOVING = ("recommendation", "advertising", "inventory")
SIZE = (320, 240)


def write_three(path: Path, seed: int = 3) -> None:
    """Write the animation, and a still of each domain beside it, unless they are there already."""
    stills = [path.parent / f"{domain}.png" for domain in STILLS]
    if all(each.exists() for each in (path, *stills)):
        return
    columns = {domain: play(spec(env_id), seed) for domain, env_id in STILLS.items()}
    for still, column in zip(stills, columns.values(), strict=True):
        picture = Image.fromarray(column[-1]).resize((480, 360), Image.LANCZOS).quantize(128)
        with open_whole(still) as file:
            picture.save(file, format="png", optimize=True)
    frames = []
    for number in range(FRAMES):
        picture = Image.new("RGB", (SIZE[0] * len(MOVING), SIZE[1]), "white")
        for place, domain in enumerate(MOVING):
            column = columns[domain]
            frame = Image.fromarray(column[min(number, len(column) - 1)]).resize(SIZE, Image.LANCZOS)
            picture.paste(frame, (place * SIZE[0], 0))
        frames.append(np.asarray(picture))
    write_movie(frames, path)


if __name__ == "__main__":
    write_three(Path(__file__).parents[1] / "_static" / "three.gif")
