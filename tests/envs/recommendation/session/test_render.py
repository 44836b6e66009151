"""The picture and the text of a shop page."""

import time

import gymnasium
import numpy as np
import pytest

from sb3_ecom.core.single_env import EcomEnv
from sb3_ecom.core.vector_env import EcomVectorEnv
from sb3_ecom.envs.recommendation.session.env import SessionTask
from tests.envs.recommendation.small_shop import small_params

ZERO = np.zeros(14, dtype=np.float32)


def make(mode, **changes):
    return EcomEnv(SessionTask(small_params(**changes)), render_mode=mode)


def play_until(env, wanted, tries=2000):
    """Step until the outcome of the last page is as wanted; return (state, outcome)."""
    env.reset(seed=0)
    for _ in range(tries):
        *_, terminated, truncated, _ = env.step(ZERO)
        state, outcome = env.loop.last_frame
        if wanted(outcome):
            return state, outcome
        if terminated or truncated:
            env.reset()
    raise AssertionError("no such page")


@pytest.mark.parametrize("slate_size", [1, 5, 8, 12])
def test_the_picture_is_480_by_640_pixels(slate_size):
    env = make("rgb_array", slate_size=slate_size)
    env.reset(seed=0)
    first = env.render()
    env.step(ZERO)
    for picture in (first, env.render()):
        assert picture.shape == (480, 640, 3)
        assert picture.dtype == np.uint8
        assert picture.std() > 10
    assert (first != env.render()).any()


def test_a_clicked_card_looks_different():
    env = make("rgb_array", outside_scale=0.01)
    state, outcome = play_until(env, lambda o: o.clicked[0] > 0 and o.slot[0] == 1)
    clicked = env.render()
    plain = env.task.render(
        state, outcome._replace(clicked=outcome.clicked * 0, bought=outcome.bought * 0), 0, "rgb_array"
    )
    changed = np.argwhere((clicked[46:300] != plain[46:300]).any((0, 2)))
    assert changed.min() > 120
    assert changed.max() < 260


@pytest.mark.parametrize("deed", ["bought", "returned"])
def test_a_purchase_and_a_return_look_different_from_a_click(deed):
    env = make("rgb_array", buy_base=1.0, outside_scale=0.01)
    state, outcome = play_until(env, lambda o: getattr(o, deed)[0] > 0)
    picture = env.render()
    without = outcome._replace(**{deed: getattr(outcome, deed) * 0})
    assert (picture != env.task.render(state, without, 0, "rgb_array")).any()


def test_the_text_names_the_page_its_items_and_the_click():
    env = make("ansi", outside_scale=0.01)
    state, outcome = play_until(env, lambda o: o.clicked[0] > 0 and o.bought[0] == 0)
    text = env.render()
    assert f"page {int(state.tracked.page[0])} " in text
    for item in outcome.slate[0]:
        assert (f"item{item} " if item >= 0 else "(empty)") in text
    line = next(line for line in text.splitlines() if "<- clicked" in line)
    assert f"item{outcome.item[0]} " in line
    assert f"clicks: item{outcome.item[0]}" in text or f", item{outcome.item[0]}" in text


def test_the_text_before_the_first_page_tells_no_slate():
    env = make("ansi")
    env.reset(seed=0)
    assert "just arrived" in env.render()
    assert "agent sees" in env.render()


def test_the_last_page_stays_visible_after_the_episode():
    env = make("ansi", horizon=3, exit_base=-9.0)
    env.reset(seed=0)
    for _ in range(3):
        *_, terminated, truncated, _ = env.step(ZERO)
    assert truncated
    assert not terminated
    assert "page 3 " in env.render()


def test_a_visitor_who_left_is_shown_as_such():
    env = make("ansi")
    play_until(env, lambda o: o.left[0])
    assert "left the shop" in env.render()


def test_every_copy_has_its_own_page():
    env = EcomVectorEnv(SessionTask(small_params()), 3, render_mode="rgb_array")
    env.reset(seed=0)
    env.step(np.zeros((3, 14), np.float32))
    first, second, _ = env.render()
    assert (first != second).any()


def test_slates_given_as_ids_are_drawn():
    env = EcomEnv(SessionTask(small_params(), action="slate"), render_mode="ansi")
    env.reset(seed=0)
    env.step(np.array([3, 3, 4, 5, 6]))
    text = env.render()
    assert "(empty)" in text
    assert "item3 " in text or "item4 " in text


def test_drawing_does_not_change_the_session():
    watched, unwatched = make("rgb_array"), make("rgb_array")
    observations = []
    for env in (watched, unwatched):
        env.reset(seed=1)
        for _ in range(5):
            observation, *_, terminated, truncated, _ = env.step(ZERO)
            if env is watched:
                env.render()
            if terminated or truncated:
                env.reset()
        observations.append(observation)
    np.testing.assert_array_equal(*observations)


def test_a_frame_is_fast_enough_for_video():
    env = make("rgb_array")
    env.reset(seed=0)
    env.step(ZERO)
    env.render()
    durations = []
    for _ in range(10):
        start = time.process_time()
        env.render()
        durations.append(time.process_time() - start)
    assert min(durations) < 0.03


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="render_mode must be one of"):
        make("human")
    assert issubclass(EcomEnv, gymnasium.Env)
