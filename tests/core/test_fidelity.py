"""Verdicts: a line agrees only where the data could have shown that it does not."""

import json
import math

import pytest

from sb3_ecom.core.fidelity import (
    compare,
    format_json,
    format_markdown,
    format_reasons,
    format_table,
    judge,
    replicate_errors,
    summarise,
)


@pytest.mark.parametrize(
    ("observed", "simulated", "tolerance", "error", "verdict"),
    [
        (1.0, 1.09, 0.1, math.nan, "agrees"),
        (1.0, 1.2, 0.1, math.nan, "differs"),
        (1.0, 1.2, 0.1, 0.05, "differs"),
        (1.0, 1.2, 0.1, 0.15, "not enough data"),  # a difference within the noise
        (1.0, 1.01, 0.1, 0.15, "not enough data"),  # a line that could not have failed
        (0.0, 0.0, 0.0, 0.0, "not enough data"),
        (0.0, 0.3, 0.0, 0.0, "differs"),
        (0.0, 0.0, 0.01, 0.001, "agrees"),
        (math.nan, 1.0, 0.1, 0.0, "not enough data"),
        (1.0, math.inf, 0.1, 0.0, "not enough data"),
        (1.0, 1.2, 0.1, math.inf, "not enough data"),
    ],
)
def test_verdict(observed, simulated, tolerance, error, verdict):
    found, reason = judge(observed, simulated, tolerance, error)
    assert found == verdict
    assert (reason == "") == (verdict == "agrees")


def lines():
    return compare(
        {"a": 1.0, "b": 2.0, "c": 0.0, "d": 0.07},
        {"a": 1.09, "b": 2.3, "c": 0.0, "d": 0.08},
        errors={"b": 0.1},
        tolerances={"d": 0.02},
        explain=lambda name: f"{name} is not in the model",
    )


def test_report_says_what_agrees_and_why_not():
    found = lines()
    assert [line.verdict for line in found] == ["agrees", "differs", "not enough data", "agrees"]
    assert summarise(found) == "2 of 4 statistics agree with the log; differs: b; not enough data: c."
    assert "15.0% above the log, 3.0 standard errors; b is not in the model" in found[1].reason
    assert len(format_reasons(found)) == 2
    assert format_table(found).row_count == 4


def test_markdown_holds_the_table_once():
    page = format_markdown(lines(), {"log": "x", "dropped": {"rare": 3}}, ["a note"], "the end")
    assert page.count("What does not agree, and why:") == 1
    assert page.count("| statistic |") == 1
    for text in ("- log: x", "- dropped, rare: 3", "- a note", "| b | 2 | 2.3 | 0.2 | 0.1 | differs |"):
        assert text in page
    assert page.endswith("the end\n")


def test_json_has_no_nan():
    row = json.loads(format_json(lines(), {}))["statistics"][0]
    assert row["standard_error"] is None
    assert row["verdict"] == "agrees"


def test_both_logs_need_the_same_statistics():
    with pytest.raises(ValueError, match=r"these differ: \['b'\]"):
        compare({"a": 1.0, "b": 1.0}, {"a": 1.0})


def test_a_shortage_outranks_any_difference():
    (line,) = compare({"a": 1.0}, {"a": 9.0}, shortages={"a": "3 sessions"})
    assert (line.verdict, line.reason) == ("not enough data", "3 sessions")


def test_errors_of_replicates():
    assert replicate_errors([{"a": 1.0}, {"a": 3.0}])["a"] == pytest.approx(math.sqrt(2))
    assert math.isnan(replicate_errors([{"a": 1.0}])["a"])
