"""Close the loop: refine the preset of a shop by the decision log of the policy that was trained on it."""

from __future__ import annotations

from collections.abc import Sequence

from sb3_ecom.envs.recommendation.calibration.page_fit import PageFit, ShownPage, ShownVisit, refine
from sb3_ecom.envs.recommendation.session.params import SessionParams
from sb3_ecom.live.item_ids import ItemIds
from sb3_ecom.logs.decisions import Page, Visit


def refine_by_log(params: SessionParams, visits: Sequence[Visit], *, seed: int = 0) -> PageFit:
    """Refine parameters by the visits of a decision log.

    A visit begins on its landing item, or else on the first item clicked; an item that the preset does not
    have is taken as an empty slot. The last page of a visit counts as the one after which the visitor left,
    unless the visit reached the horizon.

    Args:
        params: of the preset.
        visits: of the decision log.
        seed: of the visits held out.

    Raises:
        ValueError: with too few pages or clicks.
    """
    ids = ItemIds(params.catalogue.item_ids)
    found = [_shown(visit, ids, params) for visit in visits]
    return refine(params, [visit for visit in found if visit is not None and visit.pages], seed=seed)


def _shown(visit: Visit, ids: ItemIds, params: SessionParams) -> ShownVisit | None:
    touched = [ids.find(text) for text in (visit.context.get("landing"), *visit.context.get("clicks", ()))]
    known = [item for item in touched if item >= 0]
    pages = list(visit.pages)
    while not known:
        if not pages:
            return None
        page = pages.pop(0)
        known = [item for item in (ids.find(page.clicked),) if item >= 0]
    landing, *clicks = known
    left = len(visit.pages) < params.horizon
    size = params.slate_size
    return ShownVisit(landing, tuple(clicks), tuple(_page(page, ids, size) for page in pages), left)


def _page(page: Page, ids: ItemIds, size: int) -> ShownPage:
    items = tuple(ids.find(text) for text in page.items[:size])
    slot = page.items.index(page.clicked) if page.clicked is not None else -1
    if slot >= size or (slot >= 0 and items[slot] < 0):
        slot = -1
    return ShownPage(items, slot, page.bought and slot >= 0)
