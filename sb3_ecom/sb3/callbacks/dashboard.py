"""Layout of TensorBoard's Custom Scalars tab: first what a manager asks, then the policy and its training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Charts = dict[str, list[object]]  # title -> ["Multiline", [tags, as regular expressions]]

#: Questions in the order in which they are asked, and the metrics that answer them; those of one question
#: have one unit.
_QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "clicks": ("clicks_per_session", "clicks_per_page", "clicks_per_visit", "clicks"),
    "conversions": ("conversions",),
    "click-through rate": ("ctr", "expected_ctr", "click_rate"),
    "share of clicks that buy": ("conversion",),
    "margin": ("margin", "return_cost"),
    "share of purchases sent back": ("return_rate",),
    "profit": ("profit", "profit_per_day", "revenue"),
    "spend, share of the budget": ("budget_use", "left_over"),
    "cost per acquisition": ("cpa", "cost_per_click", "price_per_click"),
    "cost per acquisition over target": ("cpa_over_target",),
    "pacing error": ("pacing_error",),
    "return on spend": ("roi", "return_on_spend", "advertiser_roi"),
    "fill rate": ("fill_rate",),
    "stock-outs, share of demand": ("unmet_share", "lost_share", "refused_share"),
    "unserved units": ("unserved_per_period", "backlog_per_period"),
    "waste, share of stock": ("wasted_share",),
    "stock": ("stock_in_units", "stock_per_period", "stock_in_warehouse"),
    "costs": (
        *("cost_per_period", "holding_cost_per_period", "penalty_cost_per_period", "waste_cost_per_period"),
        *("ordering_cost_per_period", "warehouse_cost_per_period", "holding_per_day"),
    ),
}


def dashboard(metrics: Iterable[str], terms: Iterable[str], scored: bool) -> dict[str, Charts]:
    """Return the layout for `SummaryWriter.add_custom_scalars`.

    Args:
        metrics: names under ``ecom/`` of the task's metrics.
        terms: reward terms that have a weight.
        scored: whether ``ecom/score`` is logged.
    """
    left = list(metrics)
    asked: Charts = {}
    for question, names in _QUESTIONS.items():
        found = [name for name in names if name in left]
        if found:
            asked[question] = _lines("ecom", found)
            left = [name for name in left if name not in found]
    policy = {
        "return": ["return"],
        **({"score": ["score"]} if scored else {}),
        "episode length": ["session_length"],
    }
    charts = {title: _lines("ecom", names) for title, names in policy.items()}
    charts["reward terms, a step"] = _lines("ecom/reward_terms", terms)
    charts |= {name.replace("_", " "): _lines("ecom", [name]) for name in left if name != "session_length"}
    training = {
        "loss": ("loss", "value_loss", "critic_loss"),
        "entropy": ("entropy_loss", "ent_coef"),
        "explained variance": ("explained_variance",),
    }
    shown = {"What a manager asks": asked, "Policy": charts}
    shown["Training"] = {title: _lines("train", names) for title, names in training.items()}
    return {title: category for title, category in shown.items() if category}


def _lines(folder: str, names: Iterable[str]) -> list[object]:
    return ["Multiline", [f"^{folder}/{name}$" for name in names]]
