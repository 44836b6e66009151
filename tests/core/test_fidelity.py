"""Fidelity reports say which statistics of a log a simulation reproduces."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from sb3_ecom.core.fidelity import compare, format_json, format_markdown, format_table, reasons, summarise

LOG = {"a": 1.0, "b": 2.0, "c": 0.0, "d": 0.07}
SIMULATION = {"a": 1.09, "b": 2.3, "c": 0.1, "d": 0.08}


def tolerance(name, observed):
    return 0.02 if name == "d" else 0.1 * abs(observed)


@pytest.fixture
def lines():
    return compare(LOG, SIMULATION, tolerance, lambda name: "no seasons" if name == "b" else "")


def test_a_report_says_what_agrees(lines):
    assert [line.agrees for line in lines] == [True, False, False, True]
    assert summarise(lines) == "2 of 4 statistics agree with the log; not: b, c."
    assert summarise(lines[:1]) == "1 of 1 statistics agree with the log."
    assert reasons(lines) == ["b: no seasons."]


def test_all_forms_hold_the_same_figures(lines):
    assert np.isnan(lines[2].ratio)
    found = json.loads(format_json(lines, {"log": "x"}, ["note"]))
    assert found["source"] == {"log": "x"}
    assert found["statistics"][2]["ratio"] is None
    assert [row["agrees"] for row in found["statistics"]] == [line.agrees for line in lines]
    page = format_markdown(lines, {"log": "x"}, ["note"], picture="a.png", ending="The end.")
    assert page.startswith("# Fidelity report\n\n2 of 4 statistics agree")
    assert "| b | 2 | 2.3 | 1.150 | 0.2 | NO |" in page
    assert "- log: x\n\n- note" in page
    assert "- b: no seasons." in page
    assert page.endswith("![log and simulation](a.png)\n\nThe end.\n")
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(format_table(lines))
    assert "1.150" in console.export_text()


def test_both_need_the_same_statistics_and_what_the_log_does_not_tell_is_left_out():
    with pytest.raises(ValueError, match=r"these differ: \['b'\]"):
        compare({"a": 1.0, "b": 1.0}, {"a": 1.0}, tolerance)
    assert compare({"a": float("nan")}, {"a": 1.0}, tolerance) == []
