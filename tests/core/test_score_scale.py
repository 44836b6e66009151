"""Scores of other arguments than the defaults: of these arguments, or none."""

import pytest

import sb3_ecom
from sb3_ecom.core import score_scale
from sb3_ecom.core.score_scale import Scale, scale_of
from tests.toy import register_toys

register_toys()

ENV = "EcomLostSales-v0"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_optimal_policy_of_other_arguments_scores_one():
    kwargs = {"lead_time": 1, "reward_weights": {"holding": 2.0, "penalty": 1.0}}
    oracle = sb3_ecom.spec(ENV).oracle(**kwargs)
    loop_free = oracle.value
    found = scale_of(ENV, kwargs)
    assert isinstance(found, Scale)
    assert found.high == pytest.approx(loop_free)
    assert found.reference == "optimum"
    result = sb3_ecom.evaluate(ENV, "capped_base_stock", episodes=256, **kwargs)
    assert result.score == pytest.approx(found.score(result.mean))
    assert 0.95 < result.score < 1.01
    assert abs(sb3_ecom.evaluate(ENV, "random", episodes=256, **kwargs).score) < 0.02
    assert result.score != pytest.approx(sb3_ecom.spec(ENV).score(result.mean), abs=0.01)


def test_a_scale_is_measured_once_and_kept_by_arguments(monkeypatch):
    first = scale_of(ENV, {"lead_time": 1})
    monkeypatch.setattr(score_scale, "measure_scale", lambda *_: pytest.fail("measured twice"))
    assert scale_of(ENV, {"lead_time": 1}) == first
    monkeypatch.setattr(score_scale, "measure_scale", lambda *_: "anew")
    assert scale_of(ENV, {"lead_time": 2}) == "anew"


def test_a_preset_s_content_counts_not_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(score_scale, "measure_scale", lambda *_: Scale(0.0, 1.0, "bound", False))
    preset = tmp_path / "shop.toml"
    preset.write_text("a = 1")
    scale_of("EcomRec-v0", {"preset": str(preset)})
    preset.write_text("a = 2")
    monkeypatch.setattr(score_scale, "measure_scale", lambda *_: "anew")
    assert scale_of("EcomRec-v0", {"preset": str(preset)}) == "anew"


def test_what_takes_minutes_or_is_not_known_gives_no_score():
    assert "a planner is fitted" in scale_of("EcomRec-v0", {"horizon": 50})
    result = sb3_ecom.evaluate(ENV, "random", episodes=2, reward_weights={"holding": 1.0})
    assert result.score is None
    assert "reward_weights must leave costs" in result.scale()


def test_the_defaults_scale_is_the_one_on_record():
    entry = sb3_ecom.spec(ENV)
    result = sb3_ecom.evaluate(ENV, "random", episodes=16)
    assert result.score == pytest.approx(entry.score(result.mean))
