"""Picture of a page and of the viewer's interests."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.recommendation.evolution.dynamics import Outcome
from sb3_ecom.envs.recommendation.evolution.params import EvolutionParams
from sb3_ecom.envs.recommendation.render import Cards, Row, show_cards


def render(
    params: EvolutionParams, tables: TaskTables, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Draw copy `row`: the last page and the viewer's interests."""
    page = []
    facts = [f"budget left {float(state.hidden.budget[row]):.1f} minutes (hidden)"]
    if outcome is not None:
        facts.append(f"watched {float(outcome.watched[row]):.1f} minutes")
        slot = int(outcome.slot[row])
        for place, topic in enumerate(outcome.topics[row].tolist()):
            mean = float(tables.public.topic_quality[topic])
            share = (mean - params.lowest_quality) / 6.0
            page.append(Row(f"topic {topic}", share, place == slot, f"{mean:+.2f}"))
    values = [float(value) for value in state.hidden.interest[row]]
    order = sorted(range(len(values)), key=lambda topic: -values[topic])
    interests = [Row(f"topic {j}", (values[j] + 1) / 2, value=f"{values[j]:+.2f}") for j in order]
    titles = "last page: mean quality of the topic", "interests, -1 to 1"
    cards = Cards("Interest evolution", facts, *titles[:1], page, *titles[1:], interests[:12])
    return show_cards(cards, mode)
