"""Picture of a page and of what would sell to the visitor at hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.recommendation.context.dynamics import Outcome, context_row
from sb3_ecom.envs.recommendation.context.params import ContextParams
from sb3_ecom.envs.recommendation.render import Cards, Row, show_cards


def render(
    params: ContextParams, tables: TaskTables, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Draw copy `row`: the last page and the click rates of the visitor at hand."""
    every, tracked = tables.hidden.rates, state.tracked
    rates = np.asarray(every[int(context_row(tracked.visitor, params)[row])].tolist())
    page = []
    if outcome is not None:
        before = np.asarray(every[int(outcome.context[row])].tolist())
        for item, clicked in zip(outcome.slate[row].tolist(), outcome.clicks[row].tolist(), strict=True):
            if item < 0:
                page.append(Row("empty", 0.0, value=" "))
                continue
            rate = before[item]
            page.append(Row(f"item {item}", rate / before.max(), clicked > 0, f"{100 * rate:.1f}%"))
    hour, device, place = (int(part[row]) for part in tracked.visitor)
    facts = [
        f"visitor {int(tracked.visitors[row]) + 1} of {params.horizon}",
        f"{hour} h, device {device}, place {place}",
    ]
    order = np.argsort(-rates)[:12]
    best = [Row(f"item {j}", rates[j] / rates.max(), value=f"{100 * rates[j]:.1f}%") for j in order]
    titles = "last page: true click rates", "highest true click rates now"
    return show_cards(Cards("Context", facts, titles[0], page, titles[1], best), mode)
