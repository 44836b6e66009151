"""Range checks refuse what is no finite number and name parameter, bound and value."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from sb3_ecom.core.checks import (
    check_above,
    check_at_least,
    check_choice,
    check_fields,
    check_finite_fields,
    check_number,
    check_whole,
)
from sb3_ecom.core.registry import specs


@dataclass(frozen=True)
class Params:
    rate: float = 0.5
    days: int = 3
    levels: tuple[float, ...] = (1.0, 2.0)
    fast: bool = False
    name: str = "plain"
    most: int | None = None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, "1", None, np.bool_(True)])
@pytest.mark.parametrize(
    "check",
    [
        lambda value: check_number("rate", value),
        lambda value: check_at_least("rate", value, 0),
        lambda value: check_above("rate", value, 0),
        lambda value: check_whole("rate", value, 0),
        lambda value: check_fields(Params(rate=value), "rate", low=0),
        lambda value: check_fields(Params(levels=(1.0, value)), "levels", low=0),
        lambda value: check_finite_fields(Params(rate=value)),
        lambda value: check_finite_fields(Params(days=value)),
    ],
)
def test_what_is_no_finite_number_is_refused(check, value):
    with pytest.raises(ValueError, match=r"(rate|levels|days) must be a (finite|whole) number.*, got"):
        check(value)


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (-1, {"low": 0}, "rate must be >= 0, got -1"),
        (0, {"above": 0, "unit": "days"}, "rate must be > 0 days, got 0"),
        (2, {"high": 1.5}, r"rate must be <= 1\.5, got 2"),
        (1, {"below": 1}, "rate must be < 1, got 1"),
        (1.5, {"low": 0, "high": 1}, r"rate must be in \[0, 1\], got 1\.5"),
        (0, {"above": 0, "high": 1}, r"rate must be in \(0, 1\], got 0"),
        (1, {"low": 0, "below": 1}, r"rate must be in \[0, 1\), got 1"),
        (-1, {"above": -1, "below": 1}, r"rate must be in \(-1, 1\), got -1"),
    ],
)
def test_a_message_names_parameter_bound_and_value(value, bounds, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        check_number("rate", value, **bounds)


def test_bounds_that_belong_to_the_range_and_numpy_numbers_pass():
    check_number("rate", 0, low=0, high=1)
    check_number("rate", np.float32(0.5), above=0, below=1)
    check_whole("days", np.int64(3), 3, 3)
    check_whole("days", 3.0, 1)
    check_choice("name", "plain", ("plain", "fancy"))
    check_finite_fields(Params())


def test_parts_of_numbers_and_unknown_words_are_refused():
    with pytest.raises(ValueError, match=r"days must be a whole number in \[1, 9\] a week, got 2\.5"):
        check_whole("days", 2.5, 1, 9, "a week")
    with pytest.raises(ValueError, match="name must be one of plain, fancy, got 'odd'"):
        check_choice("name", "odd", ("plain", "fancy"))
    with pytest.raises(ValueError, match=r"days must be a whole number, got 1\.5"):
        check_finite_fields(Params(days=1.5))
    with pytest.raises(ValueError, match="levels must be a finite number, got nan"):
        check_finite_fields(Params(levels=(1.0, math.nan)))


@pytest.mark.parametrize("env_id", ["EcomAds-v0", "EcomRecCold-v0", "EcomLostSales-v0", "EcomRec-v0"])
def test_every_domain_refuses_a_horizon_that_is_no_number(env_id):
    name = {"EcomAds-v0": "ticks"}.get(env_id, "horizon")
    for value in (True, math.nan):
        with pytest.raises(ValueError, match=f"{name} must be a (whole|finite) number.*, got {value}"):
            specs()[env_id].make_task(**{name: value})
