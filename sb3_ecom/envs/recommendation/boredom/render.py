"""Picture of a page, the taste and the boredom."""

from __future__ import annotations

from typing import Any

from sb3_ecom.core.tracker import State, TaskTables
from sb3_ecom.envs.recommendation.boredom.dynamics import Outcome, boredom_left
from sb3_ecom.envs.recommendation.boredom.params import BoredomParams
from sb3_ecom.envs.recommendation.render import Cards, Row, show_cards


def render(
    params: BoredomParams, tables: TaskTables, state: State, outcome: Outcome | None, row: int, mode: str
) -> Any:
    """Draw copy `row`: the last page, the taste and the boredom."""
    visitor, tracked = state
    remaining = boredom_left(visitor.left, tracked.recent, params)[row]
    taste = [float(value) for value in visitor.taste[row]]
    page = []
    if outcome is not None:
        marks = outcome.clicks[row].tolist()
        for item, clicked in zip(outcome.slate[row].tolist(), marks, strict=True):
            vector = tables.public.items[item]
            near = sum(float(v) * t for v, t in zip(vector, taste, strict=True))
            label = f"item {item}, topic {int(tables.public.main[item])}" if item >= 0 else "empty"
            page.append(Row(label, near if item >= 0 else 0.0, clicked > 0))
    tastes = []
    for topic, value in enumerate(taste):
        left, recent = int(remaining[topic]), int(tracked.recent[row, topic])
        words = f", bored for {left}" if left else f", {recent} recent clicks" if recent else ""
        tastes.append(Row(f"topic {topic}{words}", value))
    facts = [f"page {int(tracked.page[row])} of {params.horizon}"]
    titles = "last page: closeness to the taste, 0 to 1", "taste by topic, 0 to 1"
    cards = Cards("Boredom and influence", facts, *titles[:1], page, *titles[1:], tastes)
    return show_cards(cards, mode)
