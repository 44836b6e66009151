"""The ladder: what it trains and measures, that it resumes, and what it puts on record."""

import json
from dataclasses import replace

import constants
import episodes
import gates
import ladder
import numpy as np
import pytest
import recording
import rungs
import studies.records as records
import supervised
import training
import yaml
from episodes import BOUNDS, Episodes, Measured
from rows import make_rows
from rungs import Plan, Rung

import sb3_ecom
from sb3_ecom.core.references import Reference, load_references
from sb3_ecom.core.registry import register
from sb3_ecom.sb3.zoo import config_path

ENV = "EcomLostSales-v0"


def rung(policy, kind, returns):
    return Rung(policy=policy, kind=kind, measured=Measured(returns=np.asarray(returns), metrics={}))


def test_the_training_command_is_rl_zoo_s_own():
    command = training.training_command("ppo", ENV, folder="runs", seed=3)
    assert command[1:7] == ["-m", "rl_zoo3.train", "--algo", "ppo", "--env", ENV]
    assert command[command.index("-conf") + 1] == str(config_path("ppo"))
    assert command[command.index("--gym-packages") + 1] == "sb3_ecom.fast"
    literal = training.training_command("ppo", ENV, folder="runs", native=False, steps=10)
    assert "-conf" not in literal
    assert "--gym-packages" not in literal
    device = training.training_command("ppo_device", ENV, folder="runs")
    assert device[1:4] == ["-m", "sb3_ecom", "train"]


def test_a_changed_entry_has_another_mark():
    known = yaml.safe_load(config_path("ppo").read_text())[ENV]
    entry = training.zoo_entry("ppo", ENV)
    assert entry == json.loads(json.dumps(known))
    other = training.zoo_entry("ppo", ENV, {"policy": training.policy_path("LstmPolicy")})
    assert other["policy"] == "sb3_ecom.sb3.LstmPolicy"
    assert training.entry_mark(entry) != training.entry_mark(other)
    with pytest.raises(ValueError, match="no entry of"):
        training.zoo_entry("ppo", "EcomNowhere-v0")


def test_policies_meet_the_same_episodes_once(tmp_path):
    common = Episodes(env_id=ENV, count=16, seed=7, folder=tmp_path)
    first = common.measure("base_stock", lambda: "base_stock")
    assert first.returns == pytest.approx(sb3_ecom.evaluate(ENV, "base_stock", episodes=16, seed=7).returns)
    again = common.measure("base_stock", lambda: pytest.fail("computed twice"))
    assert (again.returns == first.returns).all()
    assert again.metrics == first.metrics


def test_kept_returns_of_another_commit_are_used_with_a_warning(tmp_path, monkeypatch):
    made = Episodes(env_id=ENV, count=4, seed=7, folder=tmp_path)
    made.measure("random", lambda: "random")
    monkeypatch.setattr(episodes, "commit", lambda: "another")
    with pytest.warns(UserWarning, match="this is another"):
        made.measure("random", lambda: pytest.fail("computed twice"))


@pytest.mark.parametrize("env_id", BOUNDS)
def test_no_policy_earns_more_than_the_bound_of_the_same_episodes(env_id, tmp_path):
    common = Episodes(env_id=env_id, count=4, seed=7, folder=tmp_path)
    name = sb3_ecom.spec(env_id).best_baseline.policy
    earned = common.measure(name, lambda: name)
    # A bound on the expected return may be passed by luck; of the mean over episodes not by far.
    assert earned.returns.mean() < 1.2 * common.bound().returns.mean()


def test_differences_are_paired_and_hold_the_seeds():
    source = np.random.default_rng(0)
    visitors = source.standard_normal(400) * 10
    learner = visitors + 1 + source.standard_normal((5, 1)) * 0.1
    found = [rung("random", "random", visitors - 3), rung("rule", "baseline", visitors)]
    rows = make_rows(Plan(env_id=ENV, folder=None), [*found, rung("PPO", "learner", learner)])
    by_name = {row["policy"]: row for row in rows}
    assert by_name["PPO"]["against"] == "rule"
    assert float(by_name["PPO"]["minus"]) == pytest.approx(learner.mean() - visitors.mean(), rel=1e-4)
    assert 0.01 < float(by_name["PPO"]["minus_stderr"]) < 0.1  # of the seeds; the visitors cancel
    assert float(by_name["PPO"]["stderr"]) > 0.4  # of the visitors
    assert float(by_name["random"]["learner_minus"]) == pytest.approx(
        float(by_name["PPO"]["minus"]) + 3, rel=1e-3
    )


@pytest.mark.parametrize(
    ("sizes", "best"), [([12] * 3, [3, 7, 1]), ([3, 5], [2, 4])], ids=["a page", "two menus"]
)
def test_the_search_of_a_page_finds_the_best_one(sizes, best):
    assert constants.best_page(lambda page: -float(np.abs(page - best).sum()), sizes).tolist() == best


def test_the_search_of_a_box_finds_the_peak():
    peak = np.array([0.3, -0.8, 0.55])
    found = constants.best_in_box(lambda action: -float(((action - peak) ** 2).sum()), 3)
    assert found == pytest.approx(peak, abs=0.03)


def test_a_shop_s_best_constant_orders_are_better_than_none():
    found = constants.search_constant("EcomInventory-v0", episodes=8)
    assert found.action.shape == (10,)
    earned, idle = (
        sb3_ecom.evaluate(
            "EcomInventory-v0", constants.constant_policy(action), episodes=8, action="quantity"
        ).mean
        for action in (found.action, np.full(10, -1, np.float32))
    )
    assert earned > idle


def test_the_search_tries_every_discrete_action():
    found = constants.search_constant(ENV, episodes=4)
    assert found.budget == f"{sb3_ecom.spec(ENV).make_task().action_space.n} simulations of 4 episodes"


@pytest.mark.parametrize("words", [["--seeds", "2"], ["--steps", "100"], ["--rules", "base_stock"]])
def test_only_a_whole_ladder_of_five_seeds_goes_on_record(words):
    options = ladder.make_parser().parse_args([ENV, "--record", *words])
    with pytest.raises(ValueError, match="--record"):
        ladder.plan_of(ENV, options)


def test_a_record_replaces_measured_figures_and_keeps_the_computed_optimum(tmp_path):
    found = recording.figures(
        [
            rung("random", "random", [0.0, 1.0]),
            rung("rule", "baseline", [2.0, 3.0]),
            rung("better", "baseline", [3.0, 4.0]),
            rung("sees all", "privileged", [5.0, 6.0]),
            rung("PPO", "learner", [[4.0, 5.0]] * 5),
        ],
        "python benchmarks/ladder.py ID",
        "ladder_ID.csv",
        "ppo",
        attained="sees all",
    )
    assert {role: figure.value for role, figure in found.items()} == {
        "random": 0.5,
        "best_baseline": 3.5,
        "best_known": 5.5,
        "learner": 4.5,
    }
    assert found["learner"].results == "ladder_ID.csv"
    assert found["learner"].seeds == 5
    assert found["learner"].minus_baseline == (1.0, 0.0)  # to "better", paired
    path = tmp_path / "references" / "ID.json"
    path.parent.mkdir()
    recording.write_references(path, found)
    assert load_references(str(tmp_path / "spec.py"), "ID").learner == found["learner"]


def test_a_record_counts_at_once(tmp_path, monkeypatch):
    entry, path = sb3_ecom.spec(ENV), tmp_path / "references" / f"{ENV}.json"
    path.parent.mkdir()
    path.write_bytes(recording.find_references(ENV).read_bytes())
    monkeypatch.setattr(recording, "find_references", lambda _: path)
    found = [rung("random", "random", [-40.0, -42.0]), rung("PPO", "learner", [[-5.0, -6.0]] * 5)]
    try:
        recording.record(ENV, found, "python benchmarks/ladder.py", "ladder.csv", "ppo")
        assert sb3_ecom.spec(ENV).random.value == -41.0
        assert sb3_ecom.spec(ENV).learner.seeds == 5
        assert sb3_ecom.spec(ENV).best_known == entry.best_known  # computed: no policy of the ladder's
        assert sb3_ecom.spec(ENV).best_baseline == entry.best_baseline  # not measured here
    finally:
        recording.register(entry)


def test_the_policy_behind_the_best_known_return_is_found():
    assert (
        recording.known_policy(Reference(value=1.0, stderr=0.1, command="x --baseline planner -n 2"))
        == "planner"
    )
    assert recording.known_policy(Reference(value=1.0, stderr=0.0, command="python -c ...")) == ""
    assert recording.find_references(ENV).name == f"{ENV}.json"


def test_supervised_rankers_are_rungs_that_name_their_pages(tmp_path):
    plan = Plan(env_id="EcomRecCold-v0", seeds=0, episodes=32, rules=(), pages=20, folder=tmp_path)
    found = {rung.policy: rung for rung in rungs.Ladder(plan).measure() if rung.kind == "supervised"}
    assert set(found) == set(supervised.RANKERS)
    assert found["click_ranker"].budget == "4000 random pages"
    assert found["log_policy_iteration"].budget == "12000 pages in 3 rounds"
    again = {rung.policy: rung for rung in rungs.Ladder(plan).measure() if rung.kind == "supervised"}
    assert again["value_ranker"].budget == "4000 random pages"  # kept beside the returns
    assert (again["click_ranker"].measured.returns == found["click_ranker"].measured.returns).all()
    assert not supervised.has_rankers(sb3_ecom.spec(ENV).make_task())


def test_a_tuned_rule_names_its_budget_and_other_numbers_are_measured_anew(tmp_path, monkeypatch):
    entry = sb3_ecom.spec("EcomRecCold-v0")
    plan = Plan(env_id=entry.id, seeds=0, episodes=8, rules=("horizon_ucb",), folder=tmp_path)
    (first,) = (rung for rung in rungs.Ladder(plan).measure() if rung.kind == "baseline")
    rule = entry.baselines["horizon_ucb"]
    assert first.budget == rule.budget != ""
    moved = rule.at({**rule.present, "bonus": 0.0}, "another search")
    other = replace(entry, baselines={**entry.baselines, "horizon_ucb": moved})
    try:
        register(other)
        (second,) = (rung for rung in rungs.Ladder(plan).measure() if rung.kind == "baseline")
    finally:
        register(entry)
    assert second.budget == "another search"
    assert (second.measured.returns != first.measured.returns).any()
    figures = recording.figures([first], "command", "table.csv", "ppo", attained="")
    assert figures["best_baseline"].budget == rule.budget


def test_every_id_has_a_row_of_gates_and_offsets_count_from_their_rule():
    plan = Plan(env_id="EcomRec-v0", folder=None, episodes=2)
    best, zero = sb3_ecom.spec("EcomRec-v0").best_known.value, 3.0
    found = [
        rung("session_profile", "baseline", [4.0, 4.0]),
        rung("constant_weights", "baseline", [4.0, 3.9]),
        rung("lookahead_clairvoyant", "privileged", [5.0, 5.1]),
        rung("myopic_clairvoyant", "privileged", [4.0, 4.1]),
        rung(rungs.ZERO, "constant", [zero, zero]),
        rung("best constant action", "constant", [4.5, 4.5]),
        rung("PPO", "learner", [[4.0, 4.0]]),
    ]
    row = gates.gate_row(plan, found)
    assert row["declared"] == "yes"
    assert float(row["learner_over_zero"]) == pytest.approx((4.0 - zero) / (best - zero), abs=1e-3)
    serial = gates.gate_row(Plan(env_id="EcomSerial-v0", folder=None, episodes=2), found[-1:])
    assert (serial["declared"], serial["zero_score"]) == ("no", "-")


@pytest.mark.slow  # two trainings, half a minute
def test_a_ladder_from_end_to_end_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr(ladder, "RESULTS", tmp_path)
    words = [
        ENV,
        "--seeds",
        "2",
        "--episodes",
        "64",
        "--steps",
        "8192",
        "--constant",
        "--search-episodes",
        "8",
    ]
    monkeypatch.setattr(
        "sys.argv", ["ladder.py", *words, "--figure", "--oracle", "--folder", str(tmp_path / "runs")]
    )
    ladder.main()
    (path,) = tmp_path.glob("ladder_*.csv")
    rows = {row["policy"]: row for row in records.read_rows(path)}
    assert {
        "random",
        "PPO",
        "best constant action",
        "oracle (optimal)",
        *sb3_ecom.spec(ENV).baselines,
    } == set(rows)
    assert rows["PPO"]["seeds"] == "2"
    assert float(rows["PPO"]["cpu_s"]) > 0
    assert (tmp_path / "suite.png").is_file()
    first = path.read_text()
    monkeypatch.setattr(training.subprocess, "run", lambda *_, **__: pytest.fail("trained twice"))
    monkeypatch.setattr(rungs, "load_policy", lambda *_: pytest.fail("evaluated twice"))
    monkeypatch.setattr(ladder, "commit", lambda: first.split("commit ")[1].split(":")[0])
    ladder.main()
    assert path.read_text() == first
