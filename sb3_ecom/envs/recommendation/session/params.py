"""The visitor and the catalogue of a session: every number with its unit, fitted or assumed."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.checks import (
    check_array,
    check_fields,
    check_finite_fields,
    check_kind,
    check_number,
    check_whole,
    show,
)


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """N items as the log shows them.

    The taste of a visitor is a vector t of D parts. The utility of item j is
    ``quality[j] + t . item_factors[j]``, and a click on j turns t into
    ``retention[j] * t + click_update[j]``: a gated linear recurrence. What an item retains of a part says
    whether a click on it goes on with the visitor's errand (a taste that lasts) or starts another.
    """

    item_ids: tuple[str, ...]  # N names, public or hashed
    category: Array  # (N,) int, 0 .. G-1
    price: Array  # (N,) currency units, > 0
    entry_share: Array  # (N,) probability that a session starts with a click on the item
    popularity: Array  # (N,) share of all clicks
    quality: Array  # (N,) q, logits
    item_factors: Array  # (N, D) logits per unit of taste
    click_update: Array  # (N, D) taste that a click adds
    start: Array  # (N, D) taste after the entry click
    retention: Array  # (N, D) share of the taste that a click leaves, in [0, 1]
    exit_effect: Array  # (N,) b, logits of leaving after a click on the item
    category_names: tuple[str, ...] = ()  # G names for pictures; () where nobody knows them

    def __post_init__(self) -> None:
        if not isinstance(self.item_ids, list | tuple):
            raise ValueError(f"item_ids must be a list of names, got {show(self.item_ids)}")
        n = len(self.item_ids)
        check_whole("len(item_ids)", n, 2, 1_000_000, "items")
        d = np.asarray(self.item_factors).shape[-1] if np.ndim(self.item_factors) == 2 else 0
        shapes = dict.fromkeys(("item_factors", "click_update", "start", "retention"), (n, d))
        for field in fields(self):
            if field.name in ("item_ids", "category_names"):
                continue
            array = check_array(field.name, getattr(self, field.name), shapes.get(field.name, (n,)))
            object.__setattr__(self, field.name, array)
        self._check_ranges()

    def _check_ranges(self) -> None:
        for value in (self.price.min(), self.price.max()):
            check_number("price", value, low=1e-6, high=1e9)
        for value in self.category:
            check_whole("category", value, 0, 10_000)
        object.__setattr__(self, "category", self.category.astype(np.int64))
        if self.category_names and len(self.category_names) < self.num_categories:
            raise ValueError(
                f"category_names must hold a name for each of {self.num_categories} categories, got "
                f"{show(self.category_names)}"
            )
        logits = ("quality", "item_factors", "click_update", "start", "exit_effect")
        for name, low, high in (("retention", 0, 1), *((name, -100, 100) for name in logits)):
            for value in (getattr(self, name).min(initial=low), getattr(self, name).max(initial=low)):
                check_number(name, value, low=low, high=high)
        for name in ("entry_share", "popularity"):
            share = getattr(self, name)
            if share.min() < 0 or abs(share.sum() - 1) > 1e-3:
                raise ValueError(f"{name} must be >= 0 and sum to 1, got a sum of {share.sum():.6f}")

    @property
    def size(self) -> int:
        """N, the number of items."""
        return len(self.item_ids)

    @property
    def num_categories(self) -> int:
        """G, the number of categories."""
        return int(self.category.max()) + 1

    def category_name(self, category: int) -> str:
        """Return the name of a category, or its number from 1 where it has none."""
        names = self.category_names
        name = names[category] if category < len(names) else str(category + 1)
        return f"category {name}" if name.isdecimal() else name


_LOGITS = (
    *("exit_base", "exit_satisfaction", "exit_without_click", "exit_shift", "bounce", "reopen", "repeat"),
    *("position_weight", "satiation_weight", "buy_base", "buy_match", "buy_price", "buy_quality"),
    *("return_base", "return_match", "return_price"),
)


@dataclass(frozen=True, kw_only=True)
class SessionParams:
    """One visitor's session in a web shop; logits unless a unit is given.

    Raises:
        ValueError: naming the parameter, its bound and its value.
    """

    catalogue: Catalogue
    # Fitted from the log.
    exit_base: float = -0.5  # c0, logit of leaving after a page
    exit_satisfaction: float = 1.54  # c1, how much satisfaction holds a visitor
    satisfaction_decay: float = 0.95  # gamma, per page, in [0, 1)
    patience_sd: float = 0.0  # spread of the visitors' own leaving logit
    # Fitted, and of use only where the log's own kind of session is simulated (`fit.simulate_log`).
    bounce: float = 0.0  # added to the leaving logit after the click that opens a session
    reopen: float = 0.0  # added to the logit of an item that was opened before
    repeat: float = 0.0  # beside `reopen`, added to the logit of the item just clicked
    # Assumed: the log holds clicks only, no pages without one, no purchase, no randomised position.
    # 0: a page without a click ends a visit as often as a click on an average item. At -2 such pages cost
    # nothing, and knowing the taste is worth little beside avoiding items after which many leave.
    exit_without_click: float = 0.0  # c_n, in place of an item's exit effect
    exit_effect_scale: float = 1.5  # times the fitted exit effects b_j
    exit_shift: float = -0.3  # added to exit_base
    outside_scale: float = 0.2  # weight of clicking nothing, relative to the whole catalogue's mean weight
    position_weight: float = -0.15  # per slot further down the page
    satiation_weight: float = 0.3  # phi, per unit of the category's satiation
    satiation_decay: float = 0.9  # delta, per click, in [0, 1)
    buy_base: float = -3.0  # purchase after a click
    buy_match: float = 0.35  # per logit of match t . item_factors_j
    buy_price: float = -0.5  # per standard deviation of log price
    buy_quality: float = 0.3  # per standard deviation of quality
    return_base: float = -1.5  # return after a purchase
    return_match: float = -0.2  # per logit of match
    return_price: float = 0.3  # per standard deviation of log price
    margin_rate: float = 0.4  # of the price
    return_cost_rate: float = 0.15  # of the price, beside the margin lost
    slate_size: int = 5  # K, items a page
    horizon: int = 100  # pages after which an episode is cut
    source: str = ""  # the log, its date and licence

    def __post_init__(self) -> None:
        check_kind("catalogue", self.catalogue, Catalogue)
        check_finite_fields(self)
        check_fields(self, "satisfaction_decay", "satiation_decay", low=0, below=1)
        check_fields(self, "patience_sd", low=0, high=10)
        check_fields(self, "margin_rate", "return_cost_rate", low=0, high=100)
        check_fields(self, *_LOGITS, low=-100, high=100)
        self._check_page()

    def _check_page(self) -> None:
        check_fields(self, "exit_effect_scale", low=0, high=100)
        check_fields(self, "outside_scale", low=1e-6, high=1e6)
        check_fields(self, "horizon", low=1, high=100_000, unit="pages")
        check_fields(self, "slate_size", low=1, high=self.catalogue.size, unit="(the catalogue)")
