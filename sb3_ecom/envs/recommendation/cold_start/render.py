"""Picture of a season: the items' records and their true click rates."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.tracker import State
from sb3_ecom.envs.recommendation.cold_start.dynamics import Outcome, click_rate
from sb3_ecom.envs.recommendation.cold_start.params import ColdStartParams
from sb3_ecom.envs.recommendation.render import Cards, Row, show_cards


def render(
    params: ColdStartParams, tables: Any, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Draw copy `row`: the items shown most and the highest true click rates."""
    tracked = state.tracked
    shown, clicks = np.asarray(tracked.shown[row].tolist()), np.asarray(tracked.clicks[row].tolist())
    rates = click_rate(np.asarray(state.hidden.logit[row].tolist()))
    last = -1 if outcome is None or not float(outcome.clicked[row]) else int(outcome.item[row])
    page = []
    for j in np.argsort(-shown, kind="stable")[:10]:
        rate = clicks[j] / max(shown[j], 1)
        words = f"item {j}: {clicks[j]:.0f} of {shown[j]:.0f}" if shown[j] else f"item {j}: not shown yet"
        page.append(Row(words, rate, j == last, f"{100 * rate:.0f}%" if shown[j] else "-"))
    order = np.argsort(-rates)[:12]
    truth = [Row(f"item {j}", rates[j], value=f"{100 * rates[j]:.0f}%") for j in order]
    facts = [
        f"impression {int(tracked.step[row])} of {params.horizon}",
        f"{clicks.sum():.0f} clicks so far",
    ]
    return show_cards(
        Cards("Cold start", facts, "shown most: click rates so far", page, "true click rates", truth), mode
    )
