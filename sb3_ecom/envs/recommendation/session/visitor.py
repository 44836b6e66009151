"""Equations of a visitor: taste, satisfaction, satiation, choice and leaving. Each stands here once.

Simulator, transition model, belief, planners, pictures and the fit call them, on floats, NumPy or torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sb3_ecom.envs.recommendation.session.params import SessionParams


def hazard_logit(base: Any, weight: Any, satisfaction: Any, patience: Any, reaction: Any) -> Any:
    """Return the logit of leaving after a page.

    Args:
        base: of everybody.
        weight: how much satisfaction holds a visitor.
        satisfaction: in [0, 1], after the page.
        patience: the visitor's own logit of leaving.
        reaction: exit effect of the item clicked, or what a page without a click adds.
    """
    return base - weight * satisfaction + patience + reaction


def leave_logit(params: SessionParams, satisfaction: Any, patience: Any, reaction: Any) -> Any:
    """Return the logit of leaving after a page of the simulated shop; see `hazard_logit`."""
    base = params.exit_base + params.exit_shift
    return hazard_logit(base, params.exit_satisfaction, satisfaction, patience, reaction)


def after_page(params: SessionParams, satisfaction: Any, clicked: Any) -> Any:
    """Return the satisfaction after a page with (1) or without (0) a click: a moving average of clicks."""
    return params.satisfaction_decay * satisfaction + (1 - params.satisfaction_decay) * clicked


def clicked_satisfaction(decay: Any, clicks: Any) -> Any:
    """Return the satisfaction after so many pages that were all clicked.

    `after_page` from 0, in closed form.
    """
    return 1 - decay**clicks


def after_click(retention: Any, click_update: Any, taste: Any) -> Any:
    """Return the taste after a click, from the item's (..., D) retention and update."""
    return retention * taste + click_update


def satiation_after_click(params: SessionParams, satiation: Any, category: Any) -> Any:
    """Return the (..., G) satiation after a click on an item of a (..., G) one-hot category."""
    return params.satiation_decay * satiation + category


def untired_logits(quality: Any, match: Any) -> Any:
    """Return choice logits of items to a visitor without satiation, without their slots.

    Args:
        quality: of the items.
        match: taste times item factors.
    """
    return quality + match


def item_logits(params: SessionParams, quality: Any, match: Any, satiation: Any) -> Any:
    """Return choice logits of items, without their slots; see `untired_logits`.

    Args:
        params: of the visitor.
        quality: of the items.
        match: taste times item factors.
        satiation: of the items' categories.
    """
    return untired_logits(quality, match) - params.satiation_weight * satiation


def catalogue_logits(quality: Any, taste: Any, item_factors: Any) -> Any:
    """Return the (..., N) `untired_logits` of a whole catalogue for (..., D) tastes."""
    return untired_logits(quality, taste @ item_factors.T)


def revisit_logits(logits: Any, opened: Any, last: Any, reopen: Any, repeat: Any) -> Any:
    """Return choice logits where opened items can be clicked again, as in a click log.

    Args:
        logits: of the items, as if none was opened.
        opened: 1 for each item that was clicked before.
        last: 1 for the item that was clicked just before.
        reopen: what the first adds.
        repeat: what the second adds to that.
    """
    return logits + reopen * opened + repeat * last


def outside_weight(params: SessionParams) -> float:
    """Return the choice weight of clicking nothing, exp(w0).

    It is `outside_scale` times the mean weight of the whole catalogue at the entry of a session.
    """
    items = params.catalogue
    logits = catalogue_logits(items.quality, items.start, items.item_factors)
    return float(params.outside_scale * items.entry_share @ np.exp(logits).sum(1))


def purchase_logit(params: SessionParams, price: Any, quality: Any, match: Any) -> Any:
    """Return the logit of buying what was clicked.

    Args:
        params: of the visitor.
        price: log price of the item, standardised over the catalogue.
        quality: of the item, standardised likewise.
        match: taste times item factors.
    """
    own = params.buy_base + params.buy_price * price + params.buy_quality * quality
    return own + match * params.buy_match


def return_logit(params: SessionParams, price: Any, match: Any) -> Any:
    """Return the logit of sending back what was bought; see `purchase_logit`."""
    return params.return_base + params.return_price * price + match * params.return_match
