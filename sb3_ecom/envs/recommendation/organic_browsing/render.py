"""Picture of a visitor: what was viewed, and what would be clicked."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.recommendation.organic_browsing.dynamics import Outcome
from sb3_ecom.envs.recommendation.organic_browsing.params import OrganicBrowsingParams, click_rate
from sb3_ecom.envs.recommendation.organic_browsing.tracker import CLOCK, FACTS
from sb3_ecom.envs.recommendation.render import Cards, Row, show_cards


def render(
    params: OrganicBrowsingParams,
    tables: TaskTables,
    state: State,
    outcome: Outcome | None,
    row: int,
    mode: str,
) -> Any:
    """Draw copy `row`: its last views and clicks, and its click rates."""
    asked = float(state.tracked.asked[row])
    facts = ["a recommendation is asked for" if asked else "the visitor looks around"]
    if outcome is not None:
        kind = "recommended" if float(outcome.asked[row]) else "viewed"
        facts.append(f"last event: product {int(outcome.product[row])} {kind}")
    page = []
    for entry in reversed(np.asarray(state.tracked.history[row].tolist())):
        if entry[0] > 0.5:
            product = int((np.asarray(tables.public.code.tolist()) @ entry[FACTS:]).argmax())
            age = float(state.tracked.event[row]) - CLOCK * entry[2]
            page.append(Row(f"product {product}", 1 / age, entry[1] > 0.5, f"{age:.0f} ago"))
    truth = tables.hidden
    taste = np.asarray(state.hidden.taste[row].tolist())
    affinity = np.asarray(truth.answer.tolist()) @ taste + np.asarray(truth.answer_popularity.tolist())
    rates = click_rate(affinity)
    order = np.argsort(-rates)[:12]
    mind = [Row(f"product {j}", rates[j] / rates.max(), value=f"{100 * rates[j]:.2f}%") for j in order]
    titles = "views and clicks, events ago", "highest true click rates"
    return show_cards(Cards("Organic browsing", facts, titles[0], page, titles[1], mind), mode)
