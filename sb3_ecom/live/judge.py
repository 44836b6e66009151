"""Off-policy judgement: what another session policy would have earned on the pages of a decision log.

Each visit is replayed through the tracker of the judged policy; at every page its chances of the items that
were shown follow from its scores. The estimate is of the reward of a page in the contexts as they were
logged: what a policy makes of the pages after it is not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sb3_ecom.core.checks import check_choice
from sb3_ecom.envs.recommendation.session.env import SessionTask
from sb3_ecom.live.catalogue import LiveCatalogue
from sb3_ecom.live.exploration import Exploration, best_slate
from sb3_ecom.live.item_ids import ItemIds
from sb3_ecom.live.pages import ScoredPolicy, closed_items, score_items
from sb3_ecom.live.visits import VisitFolder, new_page, new_record
from sb3_ecom.logs.decisions import NOON, Page, Visit
from sb3_ecom.logs.slates import (
    SlateEstimate,
    SlateLog,
    cascade_dr,
    cascade_ips,
    cross_fitted,
    dr_minus_logged,
    logged_value,
    slate_dr,
    slate_ips,
    slate_snips,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
REWARDS = ("clicks", "purchases")
#: Estimator -> what must hold for it to be right.
ASSUMPTIONS: Mapping[str, str] = {
    "ips": "none; widest",
    "snips": "none for many visits",
    "dr": "none; narrower where items' rates tell rewards",
    "cascade_ips": "a slot's reward depends on no item below it",
    "cascade_dr": "a slot's reward depends on no item below it",
}
_DRAWS = 8  # pages of the judged policy for its expected reward under the model


@dataclass(frozen=True)
class Candidate:
    """A policy to judge.

    Attributes:
        name: shown.
        policy: its actions and scores.
        task: that it was trained on.
        explore: how its pages would be drawn.
    """

    name: str
    policy: ScoredPolicy
    task: SessionTask
    explore: Exploration = field(default_factory=Exploration)


@dataclass(frozen=True)
class Judgement:
    """Estimates of a candidate on a log.

    Attributes:
        logged: mean reward of a page as it was logged.
        estimates: by estimator, see `ASSUMPTIONS`.
        difference: doubly robust estimate less the logged value, on the same visits.
        left_out: pages that could not be judged, by reason.
        unrewarded: judged pages of which nothing was reported; they count as not clicked.
    """

    logged: SlateEstimate
    estimates: Mapping[str, SlateEstimate]
    difference: SlateEstimate
    left_out: Mapping[str, int]
    unrewarded: int

    @property
    def effective_pages(self) -> float:
        """Pages that the weights are worth, sum(w)^2 / sum(w^2)."""
        return self.estimates["dr"].effective_pages

    def passes(self, min_effective_pages: float) -> bool:
        """Return whether the candidate earns more than the log's policy, the lower limit considered."""
        return self.effective_pages >= min_effective_pages and self.difference.low > 0


class _Judged(NamedTuple):
    """A page with what the candidate thinks of it."""

    visit: int
    page: Page
    slate: Ints  # (k,) items in the candidate's numbers, -1 for one that it does not know
    scores: Floats  # (N,) -inf of closed items


def judge(
    visits: Sequence[Visit],
    candidate: Candidate,
    *,
    reward: str = "clicks",
    level: float = 0.95,
    seed: int = 0,
) -> Judgement:
    """Estimate what a candidate earns per page on logged visits.

    Args:
        visits: of a decision log.
        candidate: to judge.
        reward: "clicks" or "purchases".
        level: of the intervals, which are clustered by visit.
        seed: of the pages drawn for the candidate's expected reward.

    Raises:
        ValueError: if no page can be judged, the log holds one visit only, or nothing overlaps.
    """
    check_choice("reward", reward, REWARDS)
    judged, left_out = _replay(visits, candidate)
    if not judged:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in left_out.items())
        raise ValueError(f"the log holds no page that can be judged ({reasons or 'it is empty'})")
    log, target, numbers = _tables(judged, candidate.explore, reward)
    draws = np.random.default_rng(seed)
    predicted, expected, foreseen = _model(log, judged, candidate, numbers, draws)
    return Judgement(
        logged=logged_value(log, level=level),
        estimates={
            "ips": slate_ips(log, target, level=level),
            "snips": slate_snips(log, target, level=level),
            "dr": slate_dr(log, target, predicted.sum(1), foreseen, level=level),
            "cascade_ips": cascade_ips(log, target, level=level),
            "cascade_dr": cascade_dr(log, target, predicted, expected, level=level),
        },
        difference=dr_minus_logged(log, target, predicted.sum(1), foreseen, level=level),
        left_out=left_out,
        unrewarded=sum(not each.page.rewarded for each in judged),
    )


def _replay(visits: Sequence[Visit], candidate: Candidate) -> tuple[list[_Judged], dict[str, int]]:
    catalogue = LiveCatalogue(candidate.task, ItemIds(candidate.task.params.catalogue.item_ids))
    size = candidate.task.params.slate_size
    judged: list[_Judged] = []
    left_out: Counter[str] = Counter()
    for number, visit in enumerate(visits):
        context = visit.context
        record = new_record(
            str(number), context.get("landing"), context.get("hour", NOON), tuple(context.get("clicks", ()))
        )
        folder = VisitFolder(candidate.task, catalogue)
        for page in visit.pages:
            if len(page.items) > size:
                raise ValueError(
                    f"a page must hold at most {size} items, as the policy's own, event {page.event_id!r} "
                    f"has {len(page.items)}"
                )
            state = folder.fold(record)
            shown = new_page(page.event_id, list(page.items))
            record["pages"].append({**shown, "clicked": page.clicked, "bought": page.bought})
            reason = page.fallback if page.fallback is not None else _unjudgeable(page, state)
            if reason is not None or state is None:
                left_out[reason or "nothing was clicked yet"] += 1
                continue
            closed = closed_items(catalogue, state)
            closed[[item for item in map(catalogue.ids.find, page.excluded) if item >= 0]] = True
            if page.candidates is not None:
                kept = np.zeros_like(closed)
                kept[[item for item in map(catalogue.ids.find, page.candidates) if item >= 0]] = True
                closed |= ~kept
            scores = score_items(candidate.policy, candidate.task, catalogue, state).scores
            slate = np.array([catalogue.ids.find(item) for item in page.items], dtype=np.int64)
            judged.append(_Judged(number, page, slate, np.where(closed, -np.inf, scores)))
    return judged, dict(left_out)


def _unjudgeable(page: Page, state: object) -> str | None:
    if state is None:
        return "nothing was clicked yet"
    if not page.items or "" in page.items:
        return "a slot was empty"
    return None


def _tables(
    judged: Sequence[_Judged], explore: Exploration, reward: str
) -> tuple[SlateLog, Floats, dict[str, int]]:
    """Return the log with its items numbered, the candidate's chances of each slot, and the numbers."""
    size = max(len(each.page.items) for each in judged)
    numbers: dict[str, int] = {}
    slate = np.full((len(judged), size), -1, dtype=np.int64)
    propensity, target, earned = np.ones(slate.shape), np.zeros(slate.shape), np.zeros(slate.shape)
    for row, each in enumerate(judged):
        items, width = each.page.items, len(each.page.items)
        slate[row, :width] = [numbers.setdefault(item, len(numbers)) for item in items]
        propensity[row, :width] = each.page.propensities
        if each.page.clicked is not None and (reward == "clicks" or each.page.bought):
            earned[row, items.index(each.page.clicked)] = 1.0
        target[row, :width] = _chances(each, explore)
    visit = np.array([each.visit for each in judged])
    log = SlateLog(visit=visit, slate=slate, propensity=propensity, reward=earned)
    return log, target, numbers


def _chances(each: _Judged, explore: Exploration) -> Floats:
    """Return the (k,) chances of the logged items; 0 from the first on that the candidate can not show."""
    known = each.slate >= 0
    known &= each.scores[each.slate] > -np.inf
    if known.all():
        return explore.propensities(each.scores, each.slate)
    width = int(np.argmin(known))
    chances = np.zeros(each.slate.size)
    if width:
        chances[:width] = explore.propensities(each.scores, each.slate[:width])
    return chances


def _model(
    log: SlateLog,
    judged: Sequence[_Judged],
    candidate: Candidate,
    numbers: Mapping[str, int],
    generator: np.random.Generator,
) -> tuple[Floats, Floats, Floats]:
    """Return (m, K) predicted, (m, K) expected given the items above, (m,) expected rewards of pages."""
    texts = candidate.task.params.catalogue.item_ids
    number = np.array([numbers.get(text, -1) for text in texts])
    predicted, expected = np.zeros(log.slate.shape), np.zeros(log.slate.shape)
    foreseen = np.zeros(len(judged))
    for rows, model in cross_fitted(log, len(numbers)):
        predicted[rows] = model.predict_slots(log.slate[rows])
        rate = np.where(number >= 0, model.rates[number], model.overall)
        for row in np.flatnonzero(rows).tolist():
            each = judged[row]
            foreseen[row] = _expected_page(each, candidate.explore, rate, model.slots, generator)
            chances = _expected_slots(each, candidate.explore, rate) * model.slots[: each.slate.size]
            expected[row, : each.slate.size] = chances
    return predicted, expected, foreseen


def _expected_slots(each: _Judged, explore: Exploration, rate: Floats) -> Floats:
    """Return the (k,) expected rates of the slots, each given the logged items above it.

    0 from the first item on that the candidate can not show: no weight is left there.
    """
    expected = np.zeros(each.slate.size)
    for slot in range(each.slate.size):
        prefix = each.slate[:slot]
        if slot and (prefix[-1] < 0 or not each.scores[prefix[-1]] > -np.inf):
            break
        if np.count_nonzero(each.scores > -np.inf) <= slot:
            break
        expected[slot] = explore.next_item(each.scores, prefix) @ rate
    return expected


def _expected_page(
    each: _Judged, explore: Exploration, rate: Floats, slots: Floats, generator: np.random.Generator
) -> float:
    """Return the reward of the candidate's page under the model."""
    size, weights = each.slate.size, slots[: each.slate.size]
    best = best_slate(each.scores, size)
    value = float(rate[best] @ weights[: best.size])
    if explore.kind == "epsilon":
        free = each.scores > -np.inf
        return (1 - explore.strength) * value + explore.strength * float(rate[free].mean() * weights.sum())
    if explore.kind == "plackett-luce":  # no closed form: unbiased by pages drawn
        pages = [explore.draw(each.scores, size, generator) for _ in range(_DRAWS)]
        return float(np.mean([rate[page] @ weights[: page.size] for page in pages]))
    return value
