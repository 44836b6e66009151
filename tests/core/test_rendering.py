"""The canvas that every renderer draws on."""

import numpy as np
import pytest

from sb3_ecom.core.registry import make_env, make_vector_env
from sb3_ecom.core.rendering import Canvas, check_render_mode, text_bar


def test_a_canvas_gives_rgb_pixels_of_its_size():
    pixels = Canvas(64, 48, "#102030").pixels()
    assert pixels.shape == (48, 64, 3)
    assert pixels.dtype == np.uint8
    assert pixels[0, 0].tolist() == [0x10, 0x20, 0x30]


@pytest.mark.parametrize(("share", "filled"), [(0.0, 0), (0.5, 50), (1.0, 100), (7.0, 100), (-1.0, 0)])
def test_a_bar_is_filled_for_its_share(share, filled):
    canvas = Canvas(120, 20)
    canvas.bar((10, 5, 110, 15), share, (200, 0, 0))
    row = canvas.pixels()[10]
    assert abs(int((row == [200, 0, 0]).all(1).sum()) - filled) <= 1


def test_text_is_cut_to_its_width():
    canvas = Canvas(200, 30, "#ffffff")
    canvas.text(5, 5, "a very long name that can not fit", width=60)
    columns = np.flatnonzero((canvas.pixels() != 255).any((0, 2)))
    assert columns.max() <= 66


def test_a_text_bar_is_cut_to_its_ends():
    assert text_bar(0.5, 4) == "##.."
    assert text_bar(2.0, 4) == "####"
    assert text_bar(-1.0, 4) == "...."


def test_an_unknown_mode_names_the_known_ones():
    with pytest.raises(ValueError, match="render_mode must be one of rgb_array, ansi or None, got 'human'"):
        check_render_mode("human", ["rgb_array", "ansi"])


def test_a_name_keeps_its_end_where_a_sentence_keeps_its_front():
    def pixels(words, **options):
        canvas = Canvas(200, 30, "#ffffff")
        canvas.text(5, 5, words, width=50, **options)
        return canvas.pixels()

    assert (pixels("SUMMER-2024-00042", name=True) != pixels("SUMMER-2024-00043", name=True)).any()
    assert (pixels("SUMMER-2024-00042") == pixels("SUMMER-2024-00043")).all()
    columns = np.flatnonzero((pixels("SUMMER-2024-00042", name=True) != 255).any((0, 2)))
    assert columns.max() <= 56


def periods(env, steps):
    """Play, and return how many periods the text of the picture averages over."""
    for _ in range(steps):
        env.step(env.action_space.sample())
    words = env.render().split("mean of the last ")
    return int(words[1].split(":")[0]) if len(words) > 1 else 0


def test_a_picture_of_stock_shows_the_periods_of_its_own_episode():
    env = make_env("EcomLostSales-v0", render_mode="ansi", horizon=5)
    env.reset(seed=0)
    assert periods(env, 0) == 0
    assert periods(env, 3) == 3
    assert periods(env, 2) == 5  # the episode has ended, and its last picture stays
    env.reset()
    assert periods(env, 0) == 0
    assert periods(env, 2) == 2
    env.reset(seed=0)
    assert periods(env, 1) == 1


def test_a_picture_of_stock_shows_at_most_forty_periods():
    env = make_env("EcomSerial-v0", render_mode="ansi")
    env.reset(seed=0)
    assert periods(env, 60) == 41


def test_every_copy_has_a_past_of_its_own():
    envs = make_vector_env("EcomDualSourcing-v0", 3, render_mode="ansi", horizon=4)
    envs.reset(seed=0)
    envs.step(envs.action_space.sample())
    envs.reset(options={"reset_mask": np.array([False, True, False])})
    envs.step(envs.action_space.sample())
    found = [text.split("mean of the last ")[1][0] for text in envs.render()]
    assert found == ["2", "1", "2"]
