"""Exports of ad managers: totals at the end, date and hour apart, currencies in the header."""

import numpy as np
import pandas as pd
import pytest

from sb3_ecom.envs.advertising.calibration.calibrate import calibrate


def hourly(days=10):
    rng = np.random.default_rng(0)
    time = pd.date_range("2024-03-01", periods=24 * days, freq="h")
    shown = rng.integers(500, 1500, time.size)
    cost = (np.exp(rng.normal(0.5, 0.3, time.size)) * shown / 1000).round(4)
    return pd.DataFrame(
        {"time": time, "impressions": shown, "cost": cost, "clicks": rng.binomial(shown, 0.02)}
    )


def google(frame):
    """The same as Google Ads writes it."""
    return pd.DataFrame(
        {
            "Day": frame["time"].dt.strftime("%Y-%m-%d"),
            "Hour of the day": frame["time"].dt.hour,
            "Currency code": "EUR",
            "Cost": frame["cost"],
            "Impr.": frame["impressions"],
            "Clicks": frame["clicks"],
        }
    )


def fit(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "log.csv"
    path.write_bytes(text.encode(encoding))
    return calibrate([path])


def keywords(n=40):
    rng = np.random.default_rng(1)
    shown = rng.integers(500, 5000, n)
    clicks = rng.binomial(shown, rng.beta(2, 98, n))
    return pd.DataFrame({"keyword": [f"k{i}" for i in range(n)], "impressions": shown, "clicks": clicks})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_hourly_report_with_title_and_total_gives_what_the_plain_table_gives(tmp_path, encoding):
    frame = hourly()
    plain, _ = fit(tmp_path, frame.to_csv(index=False))
    cost, shown, clicks = (frame[name].sum() for name in ("cost", "impressions", "clicks"))
    total = f'Total: Account,,,{cost:.2f},"{shown:,}",{clicks}\n'
    title = 'Hourly report\n"March 1, 2024 - March 10, 2024"\n'
    found, result = fit(tmp_path, title + google(frame).to_csv(index=False) + total, encoding)
    assert found == plain
    assert "log.csv: left out 1 row of totals at the end (first: row 241)" in result.notes
    assert "log.csv: columns not used: Currency code" in result.notes
    assert not any("the rows were kept" in note for note in result.notes)


def test_totals_of_parts_and_of_all_are_no_keywords(tmp_path):
    frame = keywords()
    plain, _ = fit(tmp_path, frame.to_csv(index=False))
    half = frame.iloc[:20].sum(), frame.iloc[20:].sum()
    ends = "".join(f" --,{part['impressions']},{part['clicks']}\n" for part in (*half, frame.sum()))
    found, result = fit(tmp_path, frame.to_csv(index=False) + ends)
    assert found == plain
    assert "log.csv: left out 3 rows of totals at the end (first: row 41)" in result.notes


def test_a_large_last_row_is_no_total(tmp_path):
    frame = keywords()
    frame.loc[39, "impressions"] = frame["impressions"][:39].sum()
    _, result = fit(tmp_path, frame.to_csv(index=False))
    assert not any("totals" in note for note in result.notes)


def test_dates_without_hours_give_rates_and_say_that_prices_are_assumed(tmp_path):
    frame = hourly()
    daily = frame.assign(time=frame["time"].dt.date).groupby("time", as_index=False).sum()
    _, result = fit(tmp_path, daily.to_csv(index=False))
    assert "value_beta" in result.source
    assert "price_median" not in result.source
    assert any("prices stay assumed: the times are dates without an hour" in note for note in result.notes)


@pytest.mark.parametrize("day", [lambda time: time.dt.day_name(), lambda time: time.dt.dayofweek + 1])
def test_a_weekday_is_no_date(tmp_path, day):
    frame = (
        hourly().assign(day=lambda f: day(f["time"]), hour=lambda f: f["time"].dt.hour).drop(columns="time")
    )
    _, result = fit(tmp_path, frame.to_csv(index=False))
    assert "traffic_profile" in result.source
    assert "log.csv: columns not used: day" in result.notes
    assert any("prices stay assumed: no column of the time" in note for note in result.notes)


def test_a_spend_with_its_currency_in_the_header_is_a_cost(tmp_path):
    frame = hourly()
    plain, _ = fit(tmp_path, frame.to_csv(index=False))
    found, _ = fit(tmp_path, frame.rename(columns={"cost": "Amount spent (EUR)"}).to_csv(index=False))
    assert found == plain
