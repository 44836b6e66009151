"""`watch` shows the episode that the policy plays: as text, in a window, as a movie."""

import subprocess
import sys

import gymnasium as gym
import numpy as np
import pygame
import pytest
from PIL import Image

import sb3_ecom
from sb3_ecom.__main__ import main
from sb3_ecom.core.movies import write_movie
from sb3_ecom.core.registry import make_task
from tests.toy import register_toys

register_toys()

TOY = "EcomToy-v0"


@pytest.fixture
def watch(capsys):
    def call(*arguments):
        code = main(["watch", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_text_shows_every_step_and_what_to_type_next(watch):
    code, out, err = watch(TOY, "--baseline", "middle", "--seed", "3")
    assert code == 0
    steps = [line for line in out.splitlines() if line.startswith("step ")]
    assert steps == [f"step {number}" for number in range(len(steps))]
    assert f"in {len(steps) - 1} steps" in err
    assert out.rstrip().endswith(f"next: python -m sb3_ecom train --env {TOY}")


def test_it_plays_the_customers_of_its_seed(watch):
    policy = sb3_ecom.spec("EcomLostSales-v0").baselines["base_stock"](make_task("EcomLostSales-v0"))
    env = gym.make("EcomLostSales-v0")
    observation, _ = env.reset(seed=5)
    total = 0.0
    for _ in range(10):
        observation, reward, *_ = env.step(policy(observation[None])[0])
        total += reward
    arguments = ("EcomLostSales-v0", "--baseline", "base_stock", "--seed", "5", "--steps", "10")
    _, _, err = watch(*arguments)
    assert f"base_stock: {total:.4g} earned in 10 steps" in err
    assert watch(*arguments, "--episodes", "2")[2].count("in 10 steps") == 2


def test_a_movie_holds_every_picture(watch, tmp_path):
    code, out, _ = watch("EcomLostSales-v0", "--steps", "3", "--out", str(tmp_path / "a.gif"), "--fps", "5")
    assert code == 0
    assert "a.gif: 4 pictures" in out
    with Image.open(tmp_path / "a.gif") as movie:
        assert (movie.size, movie.n_frames, movie.info["duration"]) == ((640, 480), 4, 200)


def test_an_mp4_can_be_read_back(tmp_path):
    imageio = pytest.importorskip("imageio_ffmpeg")
    frames = [np.full((480, 640, 3), shade, np.uint8) for shade in (0, 120, 240)]
    write_movie(frames, tmp_path / "a.mp4", fps=5)
    assert imageio.count_frames_and_secs(str(tmp_path / "a.mp4"))[0] == 3


def test_a_window_shows_the_pictures_and_may_be_closed(watch, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    shown = []
    monkeypatch.setattr(
        pygame.display, "flip", lambda: shown.append(pygame.surfarray.array3d(pygame.display.get_surface()))
    )
    assert watch("EcomLostSales-v0", "--window", "--steps", "2", "--fps", "100")[0] == 0
    assert len(shown) == 3
    assert shown[0].shape == (640, 480, 3)
    assert (shown[0] != shown[2]).any()
    monkeypatch.setattr(pygame.event, "get", lambda: [pygame.event.Event(pygame.QUIT)])
    shown.clear()
    assert watch("EcomLostSales-v0", "--window", "--steps", "2")[0] == 0
    assert len(shown) == 1


def test_a_window_without_a_display_is_one_error():
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-m", "sb3_ecom", "watch", "EcomLostSales-v0", "--window"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 2
    assert "--window needs a display" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--baseline", "best"], "must be one of random, middle, informed, got 'best'"),
        (["--episodes", "0"], "--episodes must be"),
        (["--steps", "0"], "--steps must be"),
        (["--fps", "0"], "--fps must be"),
        (["--seed", "-1"], "--seed must be"),
        (["--out", "a.avi"], "must be one of .gif, .mp4, got '.avi'"),
        (["--out", "nowhere/a.gif"], "does not exist"),
        (["--model", "absent"], "no model file"),
    ],
)
def test_wrong_input_is_one_line(watch, arguments, message):
    code, _, err = watch(TOY, *arguments)
    assert code == 2
    assert message in err


def test_an_mp4_without_the_extra_names_it(watch, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "moviepy", None)
    code, _, err = watch(TOY, "--out", str(tmp_path / "a.mp4"))
    assert code == 2
    assert "sb3-ecom[video]" in err
    assert not list(tmp_path.iterdir())
