"""Take pictures of TensorBoard and of the built site in a headless browser.

pip install playwright && apt-get install chromium     # or: playwright install chromium
python docs/make_screenshots.py tensorboard --steps 300000   # trains, writes docs/_static/tensorboard.png
python docs/make_screenshots.py site --out shots/            # four pages of docs/_build, wide and on a phone
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
IDS = ("EcomRec-v0", "EcomAds-v0", "EcomInventory-v0")
PAGES = {
    "home": "index.html",
    "gallery": "environments/index.html",
    "environment": "environments/EcomRec-v0.html",
    "tutorial": "generated_tutorials/04_memory.html",
}
WINDOWS = {"wide": (1440, 900), "phone": (390, 844)}
PORT = 6123


@contextmanager
def open_browser() -> Iterator[Any]:
    """Give a headless Chromium: the system's where there is one, else playwright's own."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def tensorboard(options: argparse.Namespace) -> None:
    """Train each of `IDS` with our settings and take a picture of the Custom Scalars tab."""
    with tempfile.TemporaryDirectory() as folder:
        runs = options.runs or Path(folder) / "runs"
        if options.runs is None:
            for env_id in IDS:
                command = [sys.executable, "-m", "sb3_ecom", "train", "--env", env_id, "-tb", str(runs)]
                command += [
                    "-f",
                    f"{folder}/logs",
                    "-n",
                    str(options.steps),
                    "--eval-freq",
                    "-1",
                    "--seed",
                    "0",
                ]
                subprocess.run(command, check=True)
        server = subprocess.Popen(
            [sys.executable, "-m", "tensorboard.main", "--logdir", str(runs), "--port", str(PORT)]
        )
        try:
            time.sleep(20)
            with open_browser() as browser:
                page = browser.new_page(viewport={"width": 1500, "height": 1150})
                page.goto(f"http://localhost:{PORT}/#custom_scalars")
                page.wait_for_timeout(25_000)
                page.screenshot(path=str(options.out or DOCS / "_static" / "tensorboard.png"))
        finally:
            server.terminate()
            server.wait()


def site(options: argparse.Namespace) -> None:
    """Take pictures of four pages of the built site in both windows."""
    out = options.out or Path("shots")
    out.mkdir(parents=True, exist_ok=True)
    with open_browser() as browser:
        for window, (width, height) in WINDOWS.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            for name, path in PAGES.items():
                page.goto((options.built / path).resolve().as_uri())
                page.wait_for_timeout(1500)
                page.screenshot(path=str(out / f"{name}_{window}.png"))
                overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
                print(f"{name}, {window}: {max(overflow, 0)} pixels wider than the window")


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("tensorboard", "site"))
    parser.add_argument("--steps", type=int, default=300_000, help="of each training (default %(default)s)")
    parser.add_argument("--runs", type=Path, help="TensorBoard logs that are there (default: train)")
    parser.add_argument("--built", type=Path, default=DOCS / "_build", help="(default %(default)s)")
    parser.add_argument("--out", type=Path, help="picture, or folder of pictures (default: in docs/, shots/)")
    options = parser.parse_args()
    (tensorboard if options.what == "tensorboard" else site)(options)


if __name__ == "__main__":
    main()
