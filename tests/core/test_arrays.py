"""The fast ways of `core.arrays` are the plain ones, on NumPy and on torch."""

import numpy as np
import pytest
import torch

from sb3_ecom.core.arrays import (
    columns_first,
    is_floating,
    look_up,
    masked_fill,
    repeat,
    set_true,
    take_rows,
    true_places,
    update_where,
    zeros,
)

WAYS = {"numpy": np.asarray, "torch": torch.as_tensor}


@pytest.fixture(params=WAYS)
def array(request):
    return WAYS[request.param]


@pytest.mark.parametrize("shape", [(7,), (7, 3)])
@pytest.mark.parametrize("rows", [[], [-1], [[0, 5, 5], [1, 0, -2]]])
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_look_up_is_indexing(array, shape, rows, kind):
    table = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    rows = np.asarray(rows, dtype=kind)
    found = look_up(array(table), array(rows))
    assert found.shape == rows.shape + shape[1:]
    np.testing.assert_array_equal(np.asarray(found), table[rows])


@pytest.mark.parametrize("rows", [[], [6], [0, 5, 5, 2]])
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_pick_is_indexing_by_one_row(array, rows, kind):
    table = np.random.default_rng(0).standard_normal((7, 2)).astype(np.float32)
    rows = np.asarray(rows, dtype=kind)
    np.testing.assert_array_equal(np.asarray(take_rows(array(table), array(rows))), table[rows])


@pytest.mark.parametrize("mask", [[], [False], [True, False, True, True]])
def test_true_places_are_those_of_nonzero(array, mask):
    mask = np.asarray(mask, dtype=bool)
    found = true_places(array(mask))
    assert found.dtype in (np.int64, torch.int64)
    np.testing.assert_array_equal(np.asarray(found), np.nonzero(mask)[0])


def test_repeat_stays_in_the_library_and_in_order(array):
    values = array(np.asarray([2.5, -1.0, 4.0], dtype=np.float32))
    found = repeat(values, array(np.asarray([2, 0, 3])))
    assert type(found) is type(values)
    assert found.tolist() == [2.5, 2.5, 4.0, 4.0, 4.0]


MASKS = [[False, False, False], [True, False, True], [True, True, True]]


@pytest.mark.parametrize("mask", MASKS)
def test_renewed_rows_are_computed_and_the_others_kept(array, mask):
    old = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    mask, given = np.asarray(mask), array(old.copy())
    found = update_where(given, array(mask), lambda rows: given[rows] * 10 + 1)
    np.testing.assert_array_equal(np.asarray(found), np.where(mask[:, None, None], old * 10 + 1, old))
    np.testing.assert_array_equal(np.asarray(given), old)


@pytest.mark.parametrize("mask", MASKS)
def test_marks_are_added_where_asked_and_minus_one_marks_nothing(array, mask):
    book = np.array([[False, True], [True, False], [False, False]])
    mask, given = np.asarray(mask), array(book.copy())
    columns = np.where(mask, [0, 1, 1], -1)
    expected = book.copy()
    expected[np.flatnonzero(mask), columns[mask]] = True
    np.testing.assert_array_equal(np.asarray(set_true(given, array(columns), array(mask))), expected)
    np.testing.assert_array_equal(np.asarray(given), book)


def test_filling_and_turning_give_copies(array):
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    given = array(values.copy())
    filled = masked_fill(given, array(values > 3), -1e30)
    np.testing.assert_array_equal(np.asarray(filled), np.where(values > 3, np.float32(-1e30), values))
    turned = columns_first(given)
    np.testing.assert_array_equal(np.asarray(turned), values.T)
    filled[:], turned[:] = 7, 7
    np.testing.assert_array_equal(np.asarray(given), values)
    assert np.asarray(turned).flags.c_contiguous


def test_zeros_have_the_type_of_what_they_are_made_for(array):
    for kind, floats in ((np.float32, True), (np.int64, False)):
        like = array(np.ones(2, dtype=kind))
        found = zeros(like, 3, 4)
        assert (type(found), found.dtype, tuple(found.shape)) == (type(like), like.dtype, (3, 4))
        assert not np.asarray(found).any()
        assert is_floating(found) is floats
