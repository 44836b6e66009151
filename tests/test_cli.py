import json
import subprocess
import sys

import numpy as np
import pytest
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.vec_env import VecNormalize

import sb3_ecom
from sb3_ecom.__main__ import main
from sb3_ecom.sb3 import make_vec_env
from tests.toy import register_toys

register_toys()
TOY = "EcomToy-v0"


@pytest.fixture
def run(capsys):
    """Run the command line in this process; return (exit code, stdout, stderr)."""

    def call(*arguments):
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A model where rl-zoo would leave it: <algo>/<id>_1/<id>.zip and <id>/vecnormalize.pkl."""
    folder = tmp_path_factory.mktemp("logs") / "ppo" / f"{TOY}_1"
    venv = VecNormalize(make_vec_env(TOY, 4, seed=0))
    model = PPO("MlpPolicy", venv, n_steps=16, batch_size=64, seed=0, device="cpu").learn(128)
    (folder / TOY).mkdir(parents=True)
    model.save(folder / f"{TOY}.zip")
    venv.save(str(folder / TOY / "vecnormalize.pkl"))
    return folder


@pytest.mark.parametrize(
    "command", ["", "envs", "evaluate", "compare", "explain", "calibrate", "benchmark", "zoo-config"]
)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--help"])
    assert stop.value.code == 0
    assert "usage: sb3-ecom" in capsys.readouterr().out


def test_module_runs_without_torch_where_it_needs_none():
    code = "import sys, sb3_ecom.__main__ as m; m.main(['envs']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def test_wrong_input_is_one_line_and_exit_code_2():
    command = [sys.executable, "-m", "sb3_ecom", "evaluate", "EcomNowhere-v0", "--baseline", "random"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("sb3-ecom evaluate: error: env id must be one of")
    assert done.stderr.count("\n") == 1


def test_envs_lists_every_id(run):
    code, out, _ = run("envs")
    assert code == 0
    assert all(env_id in out for env_id in sb3_ecom.specs())


def test_envs_markdown_is_a_table(run):
    _, out, _ = run("envs", "--markdown")
    lines = out.strip().splitlines()
    assert lines[0].startswith("| id | one episode | action | random |")
    assert len(lines) == 2 + len(sb3_ecom.specs())
    assert f"| `{TOY}` | toy | Box(-1, 1, (2,)) | 1.08 ± 0.02 |  |  |  | 4.75 ± 0.02 | best-known |" in lines
    flagship = next(line for line in lines if line.startswith("| `EcomRec-v0` "))
    learnt = sb3_ecom.spec("EcomRec-v0").learner
    score = sb3_ecom.spec("EcomRec-v0").score(learnt.value)
    assert f"| PPO {learnt.value:.4g} ± {learnt.stderr:.2g} | {score:.2f} |" in flagship
    assert "| Discrete(5) |" in out
    assert "| MultiDiscrete([5] * 2) |" in out


def test_evaluate_prints_return_error_score_and_metrics(run):
    code, out, _ = run("evaluate", TOY, "--baseline", "middle", "--episodes", "50")
    expected = sb3_ecom.evaluate(TOY, "middle", episodes=50)
    assert code == 0
    rows = dict(line.rsplit(maxsplit=1) for line in out.splitlines() if line and not line.startswith("Ecom"))
    rows = {name.strip(): value for name, value in rows.items()}
    assert rows["return"] == f"{expected.mean:.4f}"
    assert rows["standard error"] == f"{expected.stderr:.4f}"
    assert rows["score"] == f"{expected.score:.4f}"
    assert {"ctr", "clicks_per_session", "session_length"} <= set(rows)


def test_evaluate_all_is_one_table_of_every_baseline(run):
    code, out, _ = run("evaluate", TOY, "--baseline", "all", "--episodes", "20")
    assert code == 0
    assert "middle" in out
    assert "random" in out
    assert "informed" not in out
    _, out, _ = run("evaluate", TOY, "--baseline", "all", "--privileged", "--episodes", "20")
    assert "informed" in out


def test_evaluate_says_how_far_from_a_proven_optimum(run):
    _, out, _ = run("evaluate", "EcomLostSales-v0", "--baseline", "base_stock", "--episodes", "20", "--json")
    (found,) = json.loads(out)
    expected = sb3_ecom.evaluate("EcomLostSales-v0", "base_stock", episodes=20).above_optimum()
    assert (found["cost_above_optimum_percent"], found["plus_or_minus"]) == expected


def test_evaluate_computes_the_optimum_of_other_arguments(run):
    command = ("evaluate", "EcomLostSales-v0", "--baseline", "base_stock", "--episodes", "20", "--json")
    _, out, _ = run(*command, "--env-kwargs", "lead_time:1", "penalty:9.0")
    (found,) = json.loads(out)
    expected = sb3_ecom.evaluate("EcomLostSales-v0", "base_stock", episodes=20, lead_time=1, penalty=9.0)
    assert found["cost_above_optimum_percent"] == pytest.approx(
        100 * (-expected.mean / 5.43822 - 1), abs=0.01
    )
    _, out, _ = run(*command, "--env-kwargs", "lead_time:1", "reward_weights:{'penalty': 2.0}")
    assert "cost_above_optimum_percent" not in json.loads(out)[0]  # stock that costs nothing has no optimum
    _, out, _ = run(
        *command, "--env-kwargs", "lead_time:1", "reward_weights:{'holding': 2.0, 'penalty': 2.0}"
    )
    assert json.loads(out)[0]["cost_above_optimum_percent"] < 5
    _, out, _ = run(*command[:-1], "--env-kwargs", "lead_time:1")
    assert "1 = optimum (-4.04071); measured with these arguments" in out


def test_scores_of_other_arguments_are_on_their_own_scale(run):
    command = ("evaluate", TOY, "--episodes", "200", "--seed", "2", "--env-kwargs", "horizon:3")
    random, middle = (
        sb3_ecom.evaluate(TOY, name, episodes=200, seed=2, horizon=3).mean for name in ("random", "middle")
    )
    rows = {row["policy"]: row for row in json.loads(run(*command, "--baseline", "all", "--json")[1])}
    assert rows["random"]["score"] == 0
    assert rows["middle"]["score"] == 1
    assert rows["middle"]["scale"] == {
        **{"low": random, "high": middle},
        **{"reference": "middle, the best baseline", "of_defaults": False},
    }
    out = run(*command, "--baseline", "all")[1]
    assert "1 = middle, the best baseline" in out
    assert "measured with these arguments" in out
    low, high = rows["middle"]["interval"]
    assert low < middle < high
    assert high - low == pytest.approx(2 * 1.972 * rows["middle"]["stderr"], rel=1e-3)
    (found,) = json.loads(run(*command, "--baseline", "random", "--json")[1])
    assert found["score"] is None
    assert "no score: the id has no baseline to compare with" in run(*command, "--baseline", "random")[1]


def test_a_scale_without_a_span_is_no_scale(run):
    command = ("evaluate", TOY, "--baseline", "middle", "--episodes", "3", "--env-kwargs", "patience:0.01")
    assert "no score: random earns as much as middle" in run(*command)[1]


def test_preset_is_short_for_an_argument_of_the_environment(run, tmp_path):
    code, _, err = run(
        "evaluate", "EcomRec-v0", "--baseline", "random", "--preset", str(tmp_path / "no.toml")
    )
    assert code == 2
    assert f"got '{tmp_path / 'no.toml'}'" in err
    command = ("evaluate", "EcomRec-v0", "--baseline", "related_items", "--episodes", "20", "--json")
    assert "'preset'" in run("evaluate", TOY, "--baseline", "random", "--preset", "eshop")[2]
    (plain,), (preset,) = (json.loads(run(*command, *more)[1]) for more in ((), ("--preset", "eshop")))
    assert plain["return"] == preset["return"]
    assert preset["scale"]["reference"] == "session_profile, the best baseline"


def test_evaluate_says_when_a_policy_sees_hidden_state(run):
    assert "hidden state" in run("evaluate", TOY, "--baseline", "informed", "--episodes", "20")[1]


def test_evaluate_json_can_be_read_back(run):
    _, out, _ = run("evaluate", TOY, "--baseline", "random", "--episodes", "20", "--seed", "3", "--json")
    (found,) = json.loads(out)
    expected = sb3_ecom.evaluate(TOY, "random", episodes=20, seed=3)
    assert found["return"] == expected.mean
    assert found["metrics"] == expected.metrics


def test_evaluate_passes_env_kwargs(run):
    arguments = (
        "--baseline",
        "middle",
        "--episodes",
        "20",
        "--json",
        "--env-kwargs",
        "horizon:1",
        "patience:1.0",
    )
    _, out, _ = run("evaluate", TOY, *arguments)
    assert json.loads(out)[0]["metrics"]["session_length"] == 1


def test_a_model_is_evaluated_with_its_statistics(run, run_folder, monkeypatch, caplog):
    monkeypatch.chdir(run_folder)
    code, out, err = run("evaluate", TOY, "--model", str(run_folder), "--episodes", "50", "--json")
    assert code == 0
    assert err.count("runs the code in it") == 1
    assert f"observation statistics: {run_folder / TOY / 'vecnormalize.pkl'}" in caplog.text
    found = json.loads(out)[0]["return"]
    model = PPO.load(run_folder / f"{TOY}.zip", device="cpu")
    statistics = VecNormalize.load(str(run_folder / TOY / "vecnormalize.pkl"), make_vec_env(TOY, 1))
    acts = lambda obs: model.predict(statistics.normalize_obs(obs), deterministic=True)[0]  # noqa: E731
    assert found == sb3_ecom.evaluate(TOY, acts, episodes=50).mean
    assert found != sb3_ecom.evaluate(TOY, model, episodes=50).mean


def test_the_algorithm_is_found_in_the_zip(run, tmp_path):
    A2C("MlpPolicy", make_vec_env(TOY, 1), device="cpu").save(tmp_path / "mine")
    code, out, _ = run("evaluate", TOY, "--model", str(tmp_path / "mine"), "--episodes", "10", "--trust")
    assert code == 0
    assert "score" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["EcomToy-v0", "--baseline", "best"], "must be one of random, middle, informed, got 'best'"),
        (["EcomToy-v0", "--baseline", "all", "--episodes", "1"], "--episodes must be >= 2"),
        (["EcomToy-v0", "--baseline", "all", "--seed", "-1"], "--seed must be >= 0"),
        (
            ["EcomToy-v0", "--baseline", "all", "--env-kwargs", "color:1"],
            "unexpected keyword argument 'color'",
        ),
        (
            ["EcomToy-v0", "--baseline", "all", "--env-kwargs", "horizon"],
            "must be KEY:VALUE pairs, got 'horizon'",
        ),
        (
            ["EcomToy-v0", "--baseline", "all", "--env-kwargs", "patience:2.0"],
            r"patience must be in (0, 1], got 2.0",
        ),
        (
            ["EcomToy-v0", "--baseline", "all", "--gym-packages", "no_such"],
            "module 'no_such' can not be",
        ),
        (["EcomToy-v0", "--model", "absent"], "no model file: looked for absent, absent.zip"),
        (["EcomToyDiscrete-v0", "--model", "FOLDER/EcomToy-v0.zip"], "was trained with action_space"),
        (["EcomToy-v0", "--model", "FOLDER/EcomToy-v0.zip", "--algo", "sarsa"], "algo must be one of a2c"),
        (["EcomToy-v0", "--model", "FOLDER/EcomToy-v0.zip", "--algo", "dqn"], "does not load as dqn"),
        (["EcomToy-v0", "--model", "FOLDER/EcomToy-v0/vecnormalize.pkl"], "is no model that SB3 saved"),
        (
            ["EcomToy-v0", "--model", "FOLDER/EcomToy-v0.zip", "--vecnormalize", "FOLDER/EcomToy-v0.zip"],
            "holds no VecNormalize",
        ),
        (
            ["EcomToy-v0", "--model", "FOLDER/EcomToy-v0.zip", "--vecnormalize", "no.pkl"],
            "holds no VecNormalize",
        ),
    ],
)
def test_evaluate_refuses_wrong_input(run, run_folder, arguments, message, monkeypatch):
    monkeypatch.chdir(run_folder)
    code, out, err = run("evaluate", *(argument.replace("FOLDER", str(run_folder)) for argument in arguments))
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1 + ("--model" in arguments)  # the note that models run code


def test_evaluate_loads_models_from_elsewhere_only_when_trusted(run, run_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("evaluate", TOY, "--model", str(run_folder), "--episodes", "10")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "lies outside the current folder" in err
    assert "--trust" in err
    assert run(*arguments, "--trust")[0] == 0


def test_evaluate_names_how_the_environment_of_a_model_differs(run, run_folder, monkeypatch):
    monkeypatch.chdir(run_folder)
    arguments = (
        "evaluate",
        TOY,
        "--model",
        str(run_folder),
        "--episodes",
        "10",
        "--env-kwargs",
        "patience:1.0",
    )
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "was trained with patience=" in err
    assert "but this environment has patience=1.0" in err
    assert run(*arguments, "--transfer")[0] == 0


def test_evaluate_all_reports_what_can_be_evaluated_without_an_extra(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    monkeypatch.setitem(sys.modules, "statsmodels.tsa.holtwinters", None)
    order = []
    monkeypatch.setattr(
        "sb3_ecom.envs.inventory.shop.baselines.parameters",
        lambda task, name: order.append(name) or (np.zeros(2), np.zeros(2)),
    )
    arguments = ("--env-kwargs", "num_items:2", "--episodes", "2", "--json")
    code, out, err = run("evaluate", "EcomInventory-v0", "--baseline", "all", *arguments)
    assert code == 0
    assert "holt_winters left out: holt_winters needs statsmodels" in err
    found = [row["policy"] for row in json.loads(out)]
    assert "holt_winters" not in found + order
    assert {"random", "static_s_S", "forecast_refined"} <= set(found)
    code, out, err = run("evaluate", "EcomInventory-v0", "--baseline", "holt_winters", *arguments)
    assert (code, out) == (2, "")


def test_benchmark_prints_machine_and_medians(run):
    arguments = ("--num-envs", "1", "8", "--seconds", "0.01", "--repeats", "3")
    code, out, _ = run("benchmark", TOY, *arguments)
    assert code == 0
    assert "numpy" in out
    assert "env-steps/s" in out
    found = json.loads(run("benchmark", TOY, *arguments, "--json")[1])
    assert [row["num_envs"] for row in found["results"]] == [1, 1, 8]
    assert all(len(row["runs"]) == 3 and min(row["runs"]) > 0 for row in found["results"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num-envs", "0"], "--num-envs must be >= 1, got 0"),
        (["--seconds", "0"], "seconds must be > 0, got 0"),
        (["--repeats", "0"], "repeats must be >= 1, got 0"),
    ],
)
def test_benchmark_refuses_wrong_input(run, arguments, message):
    code, _, err = run("benchmark", TOY, *arguments)
    assert code == 2
    assert message in err


def test_zoo_config_finds_the_shipped_files(run, tmp_path, monkeypatch):
    (tmp_path / "zoo_configs").mkdir()
    (tmp_path / "zoo_configs" / "ppo.yml").write_text("EcomToy-v0:\n  policy: MlpPolicy\n")
    (tmp_path / "sb3_ecom").mkdir()
    monkeypatch.setattr("sb3_ecom.core.zoo_configs._PACKAGE", tmp_path / "sb3_ecom")
    path = tmp_path / "zoo_configs" / "ppo.yml"
    assert run("zoo-config", "ppo")[1].strip() == str(path)
    assert run("zoo-config")[1].split() == ["ppo", str(path)]
    assert "policy: MlpPolicy" in run("zoo-config", "ppo", "--show")[1]
    code, _, err = run("zoo-config", "sarsa")
    assert code == 2
    assert "ALGO must be one of ppo, got 'sarsa'" in err


def test_ctrl_c_is_no_traceback(run, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("sb3_ecom.cli.evaluate.evaluate", interrupt)
    code, _, err = run("evaluate", TOY, "--baseline", "random")
    assert code == 130
    assert err == "sb3-ecom: interrupted\n"
