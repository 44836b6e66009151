"""The canvas that every renderer draws on."""

import numpy as np
import pytest

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
