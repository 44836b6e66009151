"""The helpers of the dynamics say the same on NumPy and torch, and leave their arguments alone."""

import numpy as np
import pytest
import torch

from sb3_ecom.envs.inventory.arithmetic import as_units, never, one_number, positive, row_sums, side_by_side

UNITS = np.array([[-2.0, 3.0, 0.0], [5.0, -1.0, 4.0]], np.float32)
both = pytest.mark.parametrize("library", [np.array, torch.tensor])


@both
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_positive_part_keeps_the_dtype(library, dtype):
    units = library(UNITS.astype(dtype))
    found = positive(units)
    assert found.dtype == units.dtype
    np.testing.assert_array_equal(np.asarray(found), [[0, 3, 0], [5, 0, 4]])
    np.testing.assert_array_equal(np.asarray(units), UNITS)


@both
@pytest.mark.parametrize("width", [0, 1, 2, 3, 12])
def test_row_sums_are_those_of_a_reduction(library, width):
    table = np.tile(UNITS, (1, 4))[:, :width]
    found = row_sums(library(table))
    np.testing.assert_array_equal(np.asarray(found), table.sum(axis=1))
    np.testing.assert_array_equal(np.asarray(side_by_side([found, found * 2])), np.outer(found, [1, 2]))


@both
def test_nobody_terminates_and_whole_actions_become_float32(library):
    ended = never(library(np.zeros(3, np.float32)))
    np.testing.assert_array_equal(np.asarray(ended), [False] * 3)
    units = as_units(library(np.array([3, 0, 7])))
    assert str(units.dtype).endswith("float32")
    np.testing.assert_array_equal(np.asarray(units * library(one_number(2.5))), [7.5, 0, 17.5])
