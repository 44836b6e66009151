"""Equations of a visitor: taste, satisfaction, satiation, choice and leaving. Each stands here once.

Simulator, transition model, belief, planners, pictures and the fit call them, on floats, NumPy or torch.
"""

from __future__ import annotations

from typing import Any

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


def item_logits(params: SessionParams, quality: Any, match: Any, satiation: Any) -> Any:
    """Return choice logits of items, without their slots.

    Args:
        params: of the visitor.
        quality: of the items.
        match: taste times item factors.
        satiation: of the items' categories.
    """
    return quality + match - params.satiation_weight * satiation
