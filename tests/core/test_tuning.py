"""One search tunes every rule that declares its numbers."""

import inspect
import json

import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core import tuning
from sb3_ecom.core.cross_entropy import Search, cross_entropy
from sb3_ecom.core.evaluate import PolicyMaker
from sb3_ecom.core.parametric import Parameter, Parametric, with_tuned, write_tuned
from sb3_ecom.core.tuning import parametric_rules, tune

IDS = sorted(env_id for env_id in sb3_ecom.specs() if not env_id.startswith("EcomToy"))
RULES = [(env_id, name) for env_id in IDS for name in parametric_rules(env_id)]


@pytest.mark.parametrize("env_id", IDS)
def test_a_rule_with_numbers_declares_them(env_id):
    """A baseline function that takes a float beside the task is `Parametric`, with every float declared."""
    for name, make in sb3_ecom.spec(env_id).baselines.items():
        function = make.make if isinstance(make, Parametric) else make
        if not inspect.isroutine(function) and not inspect.isclass(function):
            continue  # an object that makes rules: it searches by itself (`TunedMaker`)
        defaults = {
            each.name
            for each in inspect.signature(function).parameters.values()
            if isinstance(each.default, float)
        }
        declared = {each.name for each in make.parameters} if isinstance(make, Parametric) else set()
        assert defaults <= declared, f"{env_id}: {name} hides {defaults - declared}"


@pytest.mark.parametrize(("env_id", "name"), RULES)
def test_the_first_guess_lies_within_the_bounds_and_both_ends_can_be_played(env_id, name):
    rule = parametric_rules(env_id)[name]
    for each in rule.parameters:
        assert each.low <= each.start <= each.high
    for end in ("low", "high"):
        made = rule.at({each.name: getattr(each, end) for each in rule.parameters})
        returns = sb3_ecom.evaluate(env_id, PolicyMaker(made), episodes=2, max_episode_steps=3).returns
        assert np.isfinite(returns).all()


def test_the_search_finds_the_peak_within_bounds():
    peak = np.array([0.3, 0.9])
    search = Search(25, 24, 6)
    found = cross_entropy(
        lambda point, _: -((point - peak) ** 2).sum(), np.zeros(2), np.full(2, 0.5), search, high=0.8
    )
    assert found == pytest.approx([0.3, 0.8], abs=0.03)


def test_a_mistuned_rule_is_tuned_on_other_episodes_than_it_is_measured_on(monkeypatch):
    wrong = parametric_rules("EcomRecCold-v0")["epsilon_greedy"].at({"epsilon": 0.5})
    monkeypatch.setattr(tuning, "find_parametric", lambda env_id, name: wrong)
    seeds, real = [], tuning.evaluate

    def spy(*args, seed, **kwargs):
        seeds.append(seed)
        return real(*args, seed=seed, **kwargs)

    monkeypatch.setattr(tuning, "evaluate", spy)
    found = tune("EcomRecCold-v0", "epsilon_greedy", rounds=3, candidates=6, episodes=32, held_out=256)
    assert found.gain.low > 0
    assert found.tried == 18
    assert found.rule.budget == "18 candidates x 32 episodes"
    assert len(set(seeds[:18])) == 3  # a round's candidates meet the same episodes
    assert not set(seeds[:18]) & set(seeds[18:])
    assert len(set(seeds[18:20])) == 1  # the choice
    assert set(seeds[20:]).isdisjoint(seeds[:20])  # the report


def test_a_search_that_finds_nothing_better_keeps_the_rule(monkeypatch):
    flat = Parametric(
        lambda task, level: lambda seen: np.zeros(len(seen), int), (Parameter("level", 0, 1, 0.5),)
    )
    monkeypatch.setattr(tuning, "find_parametric", lambda env_id, name: flat)
    found = tune("EcomRecCold-v0", "flat", rounds=1, candidates=4, episodes=2, held_out=4, horizon=5)
    assert found.rule.present == {"level": 0.5}
    assert found.gain.mean == 0


def test_tuned_numbers_are_read_with_their_budget_and_checked(tmp_path):
    rule = Parametric(lambda task, level: level, (Parameter("level", 0, 1, 0.5),))
    path = tmp_path / "tuned" / "EcomX-v0.json"
    write_tuned(path, "flat", {"level": 0.25}, "9 candidates", "python benchmarks/tune.py EcomX-v0 flat")
    read = with_tuned(str(tmp_path / "spec.py"), "EcomX-v0", {"flat": rule})["flat"]
    assert read(None) == 0.25
    assert read.budget == "9 candidates"
    path.write_text(json.dumps({"flat": {"values": {"level": 2}, "budget": ""}}))
    with pytest.raises(ValueError, match="level must be"):
        with_tuned(str(tmp_path / "spec.py"), "EcomX-v0", {"flat": rule})
    with pytest.raises(ValueError, match="no rule with numbers"):
        with_tuned(str(tmp_path / "spec.py"), "EcomX-v0", {"flat": lambda task: None})


def test_an_unknown_rule_is_named():
    with pytest.raises(ValueError, match=r"must be one of epsilon_greedy, .*, got 'ucb'"):
        tune("EcomRecCold-v0", "ucb")
