"""Logs that do not tell all parameters: a default that is said, or one line; never a wrong number."""

import gymnasium
import numpy as np
import pandas as pd
import pytest

from sb3_ecom.__main__ import main
from sb3_ecom.envs.recommendation.calibration.exit import fit_exit
from sb3_ecom.envs.recommendation.calibration.fit import Sessions, simulate_log
from sb3_ecom.envs.recommendation.session.presets import load_preset

LENGTHS = {
    "two clicks": lambda g, n: np.full(n, 2),
    "geometric": lambda g, n: 1 + g.geometric(0.4, n),
    "long tail": lambda g, n: np.minimum(g.pareto(1.2, n).astype(int) + 2, 60),
    "one or eight": lambda g, n: np.where(g.random(n) < 0.5, 1, 8),
    "thirty clicks": lambda g, n: np.full(n, 30),
}


def make_sessions(kind, count, items=10, seed=0):
    g = np.random.default_rng(seed)
    lengths = LENGTHS[kind](g, count)
    item = g.integers(0, items, lengths.sum())
    return Sessions(session=np.repeat(np.arange(count), lengths), item=item, num_items=items)


@pytest.mark.parametrize("count", [50, 200])
@pytest.mark.parametrize("kind", LENGTHS)
def test_scalars_of_leaving_stay_within_reason(kind, count):
    found = fit_exit(make_sessions(kind, count))
    assert found.untold
    for name in ("exit_base", "exit_satisfaction", "bounce", "patience_sd"):
        assert found.standard_errors[name] < 2
    assert abs(found.satisfaction) < 12
    assert abs(found.bounce) < 8


def test_a_log_that_tells_them_gets_no_prior():
    """As many and as various sessions as a shop has: the maximum of the likelihood alone, as before."""
    g = np.random.default_rng(0)
    rows = []
    for session in range(4000):
        patience, step = 0.8 * g.standard_normal(), 0
        while True:
            rows.append(session)
            logit = -0.7 - 1.5 * (1 - 0.8**step) + 0.8 * (step == 0) + patience
            step += 1
            if g.random() < 1 / (1 + np.exp(-logit)):
                break
    item = g.integers(0, 10, len(rows))
    found = fit_exit(Sessions(session=np.array(rows), item=item, num_items=10))
    assert not found.untold
    assert abs(found.bounce - 0.8) < 4 * found.standard_errors["bounce"]


def check_log(tmp_path, capsys, seed, count=None):
    """Calibrate a random log; return whether it wrote a preset, having held it against the log."""
    g = np.random.default_rng(seed)
    kind, items = str(g.choice(list(LENGTHS)[:4])), int(g.choice([10, 15, 30]))
    sessions = make_sessions(kind, count or int(g.integers(50, 150)), items, seed)
    if g.random() < 0.5:  # popular items, and no click twice in a row
        sessions = Sessions(
            session=sessions.session,
            item=np.minimum(g.geometric(0.2, len(sessions.item)), items) - 1,
            num_items=items,
        )
    frame = pd.DataFrame(
        {"session": sessions.session, "item": sessions.item, "time": np.arange(len(sessions.item))}
    )
    if g.random() < 0.5:
        frame["purchase"] = (g.random(len(frame)) < g.choice([0.02, 0.3])).astype(int)
    log, out = tmp_path / "clicks.csv", tmp_path / "shop.toml"
    out.unlink(missing_ok=True)
    frame.to_csv(log, index=False)
    command = ["calibrate", "recommendation", str(log), "--out", str(out), "--no-memory", "--keep-item-ids"]
    code = main([*command, "--min-item-clicks", "1", "--min-item-visitors", "1"])
    error = capsys.readouterr().err.strip()
    if code == 2:
        assert error.count("\n") == 0
        assert not out.exists()
        return False
    assert code == 0
    params = load_preset(str(out))
    again = simulate_log(params, 2000, 1).lengths.mean()
    assert frame.groupby("session").size().mean() / 2 < again < 2 * frame.groupby("session").size().mean()
    env = gymnasium.make("EcomRec-v0", preset=str(out))
    observation, _ = env.reset(seed=0)
    for _ in range(10):
        assert np.isfinite(observation).all()
        observation, reward, done, cut, _ = env.step(env.action_space.sample())
        assert np.isfinite(reward)
        if done or cut:
            observation, _ = env.reset()
    return True


def test_random_short_logs_hold_or_are_refused(tmp_path, capsys):
    assert any([check_log(tmp_path, capsys, seed, 60) for seed in (3, 5)])


@pytest.mark.slow
def test_many_random_short_logs_hold_or_are_refused(tmp_path, capsys):
    found = [check_log(tmp_path, capsys, seed) for seed in range(100, 112)]
    assert sum(found) > 6


def test_what_a_log_does_not_tell_stands_in_its_report(tmp_path, capsys):
    frame = pd.DataFrame({"session": np.repeat(np.arange(60), 2), "item": np.tile(np.arange(12), 10)})
    log, out = tmp_path / "clicks.csv", tmp_path / "shop.toml"
    frame.assign(time=np.arange(120)).to_csv(log, index=False)
    assert main(["calibrate", "recommendation", str(log), "--out", str(out), "--no-memory"]) == 0
    report = (tmp_path / "shop_report" / "fidelity.md").read_text()
    for text in (capsys.readouterr().out, report):
        assert "to tell exit_satisfaction, bounce" in text
