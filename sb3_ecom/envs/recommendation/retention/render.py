"""Picture of a customer: the last visits and the satisfaction."""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.core.tracker import State
from sb3_ecom.envs.recommendation.render import Cards, Row, show_cards
from sb3_ecom.envs.recommendation.retention.dynamics import Outcome, return_chance
from sb3_ecom.envs.recommendation.retention.params import RetentionParams


def render(
    params: RetentionParams, tables: Any, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Draw copy `row`."""
    satisfaction = float(state.hidden.satisfaction[row])
    chance = float(return_chance(state.hidden.satisfaction, params)[row])
    facts = [f"day {int(state.tracked.day[row])} of {params.days}"]
    if outcome is not None:
        facts.append(f"{int(outcome.total[row])} clicks, experience {float(outcome.experience[row]):+.2f}")
    page = []
    for entry in reversed(np.asarray(state.tracked.history[row].tolist())):
        if entry[0] > 0.5:
            page.append(
                Row(
                    f"relevance {entry[2]:+.1f}, bait {entry[3]:+.1f}, {5 * entry[4]:.0f} days away",
                    *(entry[1], False, f"{params.slate_size * entry[1]:.0f} of {params.slate_size}"),
                )
            )
    mind = [
        Row("satisfaction, -2 to 2", (satisfaction + 2) / 4, value=f"{satisfaction:+.2f}"),
        Row("chance of a visit a day", chance, value=f"{100 * chance:.0f}%"),
    ]
    if outcome is not None:
        experience, gap = float(outcome.experience[row]), float(outcome.gap[row])
        mind += [
            Row("experience of the last visit", (experience + 2) / 4, value=f"{experience:+.2f}"),
            Row("days away after it", gap / params.days, value=f"{gap:.0f} days"),
        ]
    titles = "clicks of the last visits, newest first", "the customer, hidden but for the days"
    return show_cards(Cards("Retention", facts, titles[0], page, titles[1], mind), mode)
