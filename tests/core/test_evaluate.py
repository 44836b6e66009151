import numpy as np
import pytest

import sb3_ecom
from sb3_ecom.core.evaluate import run_episodes, simulate_oracle
from sb3_ecom.core.loop import StepLoop
from tests.toy import ToyTask, register_toys

register_toys()


def constant(value):
    return lambda observation: np.full((len(observation), 2), value, dtype=np.float32)


def test_a_seed_fixes_the_customers_whatever_the_policy_does():
    starts = []
    for value in (0.0, 0.9):
        loop = StepLoop(ToyTask(), 32)
        first = []

        def policy(observation, loop=loop, first=first, value=value):
            first.append(loop.state.hidden.copy())
            return constant(value)(observation)

        run_episodes(loop, policy, seed=4)
        starts.append(first[0])
    np.testing.assert_array_equal(*starts)


def test_pairing_narrows_the_interval():
    one = sb3_ecom.evaluate("EcomToy-v0", constant(0.0), episodes=2000, seed=1)
    two = sb3_ecom.evaluate("EcomToy-v0", constant(0.05), episodes=2000, seed=1)
    _, paired = one.minus(two)
    assert paired < 0.7 * np.hypot(one.stderr, two.stderr)


def test_mean_and_metrics_match_a_count_by_hand():
    result = sb3_ecom.evaluate("EcomToy-v0", "middle", episodes=1500, seed=0)
    assert result.returns.shape == (1500,)
    assert result.mean == pytest.approx(result.returns.mean())
    assert result.stderr == pytest.approx(result.returns.std(ddof=1) / 1500**0.5)
    assert result.metrics["ctr"] == pytest.approx(
        result.metrics["clicks_per_session"] / result.metrics["session_length"]
    )
    spec = sb3_ecom.spec("EcomToy-v0")
    span = spec.best_known.value - spec.random.value
    assert result.score == pytest.approx((result.mean - spec.random.value) / span)


def test_a_privileged_policy_sees_the_hidden_state_and_wins():
    informed = sb3_ecom.evaluate("EcomToy-v0", "informed", episodes=1000, seed=0)
    middle = sb3_ecom.evaluate("EcomToy-v0", "middle", episodes=1000, seed=0)
    difference, stderr = informed.minus(middle)
    assert difference > 5 * stderr


def test_a_recurrent_model_is_told_where_episodes_start():
    class Model:
        calls = 0

        def predict(self, observation, state=None, episode_start=None, deterministic=True):
            first_page = observation[:, 0] == 0
            np.testing.assert_array_equal(episode_start, first_page)
            self.calls += 1
            return np.zeros((len(observation), 2), dtype=np.float32), state

    model = Model()
    sb3_ecom.evaluate("EcomToy-v0", model, episodes=50, seed=0)
    assert model.calls > 5


def test_bad_calls_are_named():
    with pytest.raises(ValueError, match="episodes must be >= 2"):
        sb3_ecom.evaluate("EcomToy-v0", "middle", episodes=1)
    with pytest.raises(ValueError, match="must be one of random, middle, informed, got 'oracle'"):
        sb3_ecom.evaluate("EcomToy-v0", "oracle", episodes=2)
    with pytest.raises(ValueError, match="policy must be a name"):
        sb3_ecom.evaluate("EcomToy-v0", 3, episodes=2)
    same = sb3_ecom.evaluate("EcomToy-v0", "middle", episodes=4)
    with pytest.raises(ValueError, match="same episodes, got 4 and 5"):
        same.minus(sb3_ecom.evaluate("EcomToy-v0", "middle", episodes=5))


def test_a_simulated_oracle_is_the_mean_of_its_policys_episodes():
    found = simulate_oracle(ToyTask(), lambda loop: constant(0.0), "best-known", "nothing", 64, seed=3)
    loop = StepLoop(ToyTask(), 64)
    returns = run_episodes(loop, constant(0.0), seed=3)["reward"]
    assert found.value == pytest.approx(returns.mean())
    assert found.stderr == pytest.approx(returns.std(ddof=1) / 8)
    assert found.kind == "best-known"
