import pytest

import sb3_ecom
from sb3_ecom.core.evaluate import Result


def test_average_is_reward_per_period_after_the_warm_up():
    result = sb3_ecom.evaluate("EcomLostSales-v0", "base_stock", episodes=32, warmup=20, horizon=50)
    assert result.mean == pytest.approx(-result.metrics["cost_per_period"], rel=1e-4)
    longer = sb3_ecom.evaluate("EcomLostSales-v0", "base_stock", episodes=32, warmup=0, horizon=70)
    assert result.mean != longer.mean


def test_percent_above_optimum_comes_with_its_half_width():
    result = Result(mean=-11.0, stderr=0.1, returns=None, metrics={}, optimum=-10.0)
    assert result.above_optimum() == pytest.approx((10.0, 1.96))
    assert result.above_optimum(-11.0) == pytest.approx((0.0, 19.6 / 11))


def test_percent_above_an_unknown_optimum_is_refused():
    result = Result(mean=-11.0, stderr=0.1, returns=None, metrics={})
    with pytest.raises(ValueError, match="optimum must be a cost, a reward < 0"):
        result.above_optimum()


def test_negative_warmup_is_refused():
    with pytest.raises(ValueError, match="warmup must be >= 0 periods, got -1"):
        sb3_ecom.evaluate("EcomLostSales-v0", warmup=-1)
