"""The fast ways of `core.arrays` are the plain ones, on NumPy and on torch."""

import numpy as np
import pytest
import torch

from sb3_ecom.core.arrays import look_up, pick, repeat, true_places

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
    np.testing.assert_array_equal(np.asarray(pick(array(table), array(rows))), table[rows])


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
