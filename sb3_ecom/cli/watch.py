"""`watch`: an episode as text in the terminal, in a window, or as a gif or mp4."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sb3_ecom.cli.arguments import add_env_arguments, find_spec, import_packages, read_env_kwargs
from sb3_ecom.cli.models import add_model_options, load_model
from sb3_ecom.core.checks import check_number, check_whole
from sb3_ecom.core.console import progress_of, say_next
from sb3_ecom.core.evaluate import make_policy
from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.movies import check_movie, write_movie
from sb3_ecom.core.policies import end_notice
from sb3_ecom.core.registry import Spec, make_task

_HOME = "\x1b[H\x1b[J"  # clears a terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = (
        "example: sb3-ecom watch EcomRec-v0 --preset my_shop.toml --model logs/ppo/EcomRec-v0_1 "
        "--out visit.gif"
    )
    add_env_arguments(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--baseline",
        default="random",
        metavar="NAME",
        help="who acts: a baseline of the id, a clairvoyant or random (default %(default)s)",
    )
    what.add_argument(
        "--model",
        metavar="RUN",
        help="rl-zoo's run folder, a model's zip, or an exported folder (default: the baseline acts)",
    )
    add_model_options(parser)
    parser.add_argument(
        "--stochastic", action="store_true", help="draw the model's actions (default: its best ones)"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--window", action="store_true", help="show pictures in a window (default: text in the terminal)"
    )
    where.add_argument(
        "--out", type=Path, metavar="FILE", help="write pictures as a .gif or .mp4 (default: text is shown)"
    )
    parser.add_argument("--episodes", type=int, default=1, metavar="N", help="(default %(default)s)")
    parser.add_argument(
        "--steps", type=int, metavar="N", help="show no more of an episode (default: the whole episode)"
    )
    parser.add_argument("--fps", type=float, default=2.0, help="steps a second (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the customers (default %(default)s)")


def run(options: argparse.Namespace) -> None:
    """Play the episodes and show them."""
    import_packages(options.gym_packages)
    kwargs = read_env_kwargs(options)
    entry = find_spec(options.env, kwargs)
    check_whole("--episodes", options.episodes, 1, 10_000)
    check_whole("--seed", options.seed, 0)
    check_number("--fps", options.fps, low=0.01, high=100)
    if options.steps is not None:
        check_whole("--steps", options.steps, 1)
    if options.out is not None:
        try:
            check_movie(options.out)
        except ImportError as error:
            raise ValueError(str(error)) from error
    policy: Any = options.baseline
    if options.model is not None:
        policy = load_model(options.model, entry.id, kwargs, options)
    text = options.out is None and not options.window
    loop = StepLoop(make_task(entry.id, **kwargs), 1, keep_last_frame=True)
    pictures = _play(loop, entry, policy, options, "ansi" if text else "rgb_array")
    if text:
        _print(pictures, options.fps)
    elif options.window:
        _show(entry.id, pictures, options.fps)
    else:
        frames = list(progress_of(pictures, "playing", _most_pictures(loop, options)))
        write_movie(frames, options.out, options.fps)
        print(f"wrote {options.out}: {len(frames)} pictures")
    if options.model is None:
        say_next(f"train --env {entry.id}")


def _most_pictures(loop: StepLoop, options: argparse.Namespace) -> int:
    steps = loop.task.horizon if options.steps is None else min(options.steps, loop.task.horizon)
    return int(options.episodes * (steps + 1))


def _play(loop: StepLoop, entry: Spec, policy: Any, options: argparse.Namespace, mode: str) -> Iterator[Any]:
    """Yield the picture or text of every step, and say what each episode earned.

    A baseline may give decisions that are no actions of the space, so it acts on the loop, not on an Env.
    """
    observation = loop.reset(options.seed)
    act = make_policy(entry, loop, policy, not options.stochastic, options.seed)
    tell_ended = end_notice(act)
    for episode in range(options.episodes):
        if episode:
            loop.show_new_episodes()
        yield loop.render(0, mode)
        rewards: list[float] = []
        while options.steps is None or len(rewards) < options.steps:
            result = loop.step(act(observation))
            observation = result.observation
            rewards.append(float(result.reward[0]))
            yield loop.render(0, mode)
            if result.rows.size:
                break
        else:
            observation = loop.reset()  # the rest of an episode that --steps cut is not played
        tell_ended(np.zeros(1, dtype=np.int64))
        name = options.model or options.baseline
        print(f"{entry.id}, {name}: {sum(rewards):.4g} earned in {len(rewards)} steps", file=sys.stderr)


def _print(texts: Iterator[str], fps: float) -> None:
    """Print texts one over the other in a terminal, one below the other elsewhere."""
    terminal = sys.stdout.isatty()
    for number, text in enumerate(texts):
        print(f"{_HOME if terminal else ''}step {number}\n{text}\n", flush=True)
        if terminal:
            time.sleep(1 / fps)


def _show(env_id: str, pictures: Iterator[Any], fps: float) -> None:
    """Show pictures in a window until they end or it is closed.

    Raises:
        ValueError: where there is no display.
    """
    import pygame

    window = _open_window(pygame)
    pygame.display.set_caption(f"sb3_ecom: {env_id}")
    clock = pygame.time.Clock()
    try:
        for picture in pictures:
            window.blit(pygame.surfarray.make_surface(np.transpose(picture, (1, 0, 2))), (0, 0))
            pygame.display.flip()
            if any(event.type == pygame.QUIT for event in pygame.event.get()):
                return
            clock.tick(fps)
    finally:
        pygame.display.quit()


def _open_window(pygame: Any) -> Any:
    asked = os.environ.get("SDL_VIDEODRIVER", "")
    try:
        pygame.display.init()
        window = pygame.display.set_mode((640, 480))
        driver = pygame.display.get_driver()
    except pygame.error as error:
        raise ValueError(f"--window needs a display ({error}): use --out episode.gif, or neither") from error
    if driver in ("offscreen", "dummy") and driver != asked:
        raise ValueError("--window needs a display, and there is none: use --out episode.gif, or neither")
    return window
