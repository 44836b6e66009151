"""Rules whose levels were searched for can be made again from their constants."""

import json

import numpy as np
import pytest

from sb3_ecom.core.loop import StepLoop
from sb3_ecom.core.policies import TunedMaker, TunedRule
from sb3_ecom.core.registry import make_task, spec
from sb3_ecom.core.rules import build_rule

RULES = [("EcomSerial-v0", "local_base_stock"), ("EcomChain-v0", "ending_base_stock")]


@pytest.mark.parametrize(("env_id", "name"), RULES)
def test_a_rule_made_from_its_constants_acts_alike_without_a_search(env_id, name, monkeypatch):
    task = make_task(env_id)
    rule = build_rule(task, env_id, name)
    assert isinstance(rule, TunedRule)
    make = spec(env_id).baselines[name]
    assert isinstance(make, TunedMaker)

    def search(params):
        raise AssertionError("searched")

    monkeypatch.setattr(make, "_tune", search)
    again = build_rule(task, env_id, name, json.loads(json.dumps(rule.constants)))
    observation = StepLoop(task, 8).reset(0)
    np.testing.assert_array_equal(again(observation), rule(observation))
    other = make_task(env_id, lead_times=tuple(time + 1 for time in task.params.lead_times))
    assert not make.fits(other, rule.constants)
