"""Old dotted names of modules and classes that a pickle, an SB3 zip or a yml may still hold.

`install` makes ``import old.module`` and ``old.module.OldName`` give what now stands at the new place, with a
DeprecationWarning. Nothing is imported before somebody asks for it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_CORE, _SB3 = "sb3_ecom.core.", "sb3_ecom.sb3."
_ADS, _INV, _REC = (f"sb3_ecom.envs.{domain}." for domain in ("advertising", "inventory", "recommendation"))

#: (prefix of the old name, of the new name, {old: new}). ``*`` is any one name; "" is an empty package.
_ROOMS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        _CORE,
        _CORE,
        {
            "prospects": "transition_model",
            "safe_files": "files",
            "table_columns": "tables.columns",
            "table_files": "tables.files",
            "tables": "tables.reader",
        },
    ),
    (_CORE, "sb3_ecom.cli.", {"throughput": "throughput"}),
    (
        _ADS,
        _ADS,
        {
            "auto": "auto_bidding",
            "auto.*": "auto_bidding.*",
            "target": "targeting",
            "target.*": "targeting.*",
            "dial": "bid_multiplier",
            "pictures": "render",
            "presets": "pacing.presets",
            **{name: f"calibration.{name}" for name in ("calibrate", "fidelity", "fit")},
        },
    ),
    (
        _INV,
        _INV,
        {
            **{package: "" for package in ("baselines", "chains", "oracles", "params", "tasks")},
            "baselines.lookahead": "lookahead",
            "baselines.shifted": "residual",
            "baselines.shop_forecasts": "shop.forecasts",
            "baselines.shop_refine": "shop.coordinate_search",
            "baselines.shop_tuned": "shop.tuned",
            "baselines.*": "*.baselines",
            "chains.*": "*.markov_chain",
            "dynamics": "arithmetic",
            "dynamics.shop_options": "shop.promotions",
            "dynamics.*": "*.dynamics",
            "oracles.tabular": "value_iteration",
            "oracles.*": "*.oracle",
            "params.shop_demand": "shop.demand_params",
            "params.*": "*.params",
            "tasks.shop_rewards": "shop.rewards",
            "tasks.shop_tables": "shop.tables",
            "tasks.shop_view": "shop.buyer_view",
            "tasks.*": "*.env",
            "allocation": "distribution.allocation",
            "clark_scarf": "serial.clark_scarf",
            "demand_paths": "shop.demand_paths",
            "distribution_picture": "distribution.render",
            "picture": "render",
            "position_costs": "single_item.position_costs",
            "presets": "shop.presets",
            "shop_picture": "shop.render",
            **{name: f"calibration.{name}" for name in ("calibrate", "fidelity", "fit", "sales_log")},
        },
    ),
    (_INV, _CORE, {"params.checks": "checks"}),
    (_ADS, _CORE, {"checks": "checks"}),
    (_REC, _CORE, {"bounds": "checks"}),
    ("sb3_ecom.wrappers.", _CORE, {"bounds": "checks"}),
    (
        _REC,
        _REC,
        {
            "bored": "boredom",
            "bored.*": "boredom.*",
            "cold": "cold_start",
            "cold.expected": "cold_start.expected_advantage",
            "cold.*": "cold_start.*",
            "evolution.expected": "evolution.expected_advantage",
            "organic": "organic_browsing",
            "organic.*": "organic_browsing.*",
            "retain": "retention",
            "retain.*": "retention.*",
            "cards": "render",
            "repeats": "slates",
            "fit_choice": "calibration.choice",
            "fit_exit": "calibration.exit",
            "fit_memory": "calibration.memory",
            "picture": "calibration.figure",
            **{
                name: f"calibration.{name}"
                for name in ("calibrate", "click_items", "click_log", "click_rows")
            },
            **{name: f"calibration.{name}" for name in ("click_rows", "fit", "purchases", "report")},
            "sessions": "calibration.sessions",
            "foresight": "session.transition_model",
            "logged": "session.item_similarity",
            "page": "session.render",
            "shop": "session.ranker",
            **{name: f"session.{name}" for name in ("baselines", "belief", "dynamics", "env", "garments")},
            **{name: f"session.{name}" for name in ("linucb", "oracle", "page_view", "params", "planning")},
            **{name: f"session.{name}" for name in ("presets", "rewards", "session_log", "spec", "tiny")},
            "visit_tables": "session.visit_tables",
        },
    ),
    (_REC, _CORE, {"references": "references"}),
    (
        _SB3,
        _SB3,
        {
            "callbacks": "callbacks.metrics",
            **{name: f"callbacks.{name}" for name in ("dual_ascent", "episode_window", "history_figure")},
            "extractors": "extractors.recurrent",
            "known_item": "extractors.last_item",
            **{name: f"extractors.{name}" for name in ("attention", "candidates", "item_embedding")},
            **{name: f"extractors.{name}" for name in ("shared_windows", "text", "windows")},
            "policies": "policies.sequence",
            **{name: f"policies.{name}" for name in ("item_heads", "item_q", "item_rows", "residual")},
            **{name: f"policies.{name}" for name in ("slate", "slate_distribution")},
            "slate_search": "slateq.search",
            "slateq": "slateq.algorithm",
            "slateq_policy": "slateq.networks",
            "expected_gain": "vec_wrappers.expected_advantage",
            "item_rows_env": "vec_wrappers.item_rows",
            "learned_gain": "vec_wrappers.privileged_critic",
            "residual_env": "vec_wrappers.residual",
            "reward_face": "vec_wrappers.reward_base",
            "reward_wrappers": "vec_wrappers.rewards",
        },
    ),
)
MODULES = {a + old: new and b + new for a, b, names in _ROOMS for old, new in names.items()}

_LAST_ITEM = "sb3_ecom.sb3.extractors.last_item.LastItemEmbedding"
#: Renamed classes and functions, and those that moved out of a module that is still there.
ATTRIBUTES = {
    "sb3_ecom.core.arrays.fill": "sb3_ecom.core.arrays.masked_fill",
    "sb3_ecom.core.arrays.mark": "sb3_ecom.core.arrays.set_true",
    "sb3_ecom.core.arrays.pick": "sb3_ecom.core.arrays.take_rows",
    "sb3_ecom.core.arrays.renew": "sb3_ecom.core.arrays.update_where",
    "sb3_ecom.core.prospects.Foresight": "sb3_ecom.core.transition_model.TransitionModel",
    "sb3_ecom.core.prospects.Prospects": "sb3_ecom.core.transition_model.Outcomes",
    "sb3_ecom.core.spaces.ItemSigns": "sb3_ecom.core.item_spaces.ItemSignature",
    f"{_ADS}auctions.Lots": f"{_ADS}auctions.AuctionBatch",
    f"{_ADS}auto.auction.Judged": f"{_ADS}auto_bidding.auction.ResolvedAuctions",
    f"{_ADS}auto.auction.Lots": f"{_ADS}auto_bidding.auction.AuctionBatch",
    f"{_ADS}dial.Dial": f"{_ADS}bid_multiplier.BidMultiplier",
    f"{_REC}cold.expected.ExpectedGain": f"{_REC}cold_start.expected_advantage.ExpectedAdvantage",
    f"{_REC}evolution.expected.ExpectedGain": f"{_REC}evolution.expected_advantage.ExpectedAdvantage",
    f"{_REC}foresight.SessionForesight": f"{_REC}session.transition_model.SessionTransitionModel",
    f"{_REC}shop.USUAL": f"{_REC}session.ranker.DEFAULT_RANKER",
    f"{_REC}shop.Usual": f"{_REC}session.ranker.DefaultRanker",
    f"{_REC}visit_tables.Goods": f"{_REC}session.visit_tables.ItemAttributes",
    "sb3_ecom.sb3.device.tally.DeviceTally": "sb3_ecom.sb3.device.tally.DeviceStats",
    "sb3_ecom.sb3.learned_gain.LearnedGain": "sb3_ecom.sb3.vec_wrappers.privileged_critic.PrivilegedCritic",
    # each also by its short name, from sb3_ecom.sb3
    **{
        f"sb3_ecom.sb3.{place}{old}": new
        for module, old, new in (
            ("callbacks.", "HorizonEndsAll", "sb3_ecom.sb3.callbacks.metrics.TerminalHorizon"),
            (
                "expected_gain.",
                "VecExpectedGain",
                "sb3_ecom.sb3.vec_wrappers.expected_advantage.VecExpectedAdvantage",
            ),
            ("known_item.", "KnownItemExtractor", f"{_LAST_ITEM}Extractor"),
            ("known_item.", "KnownItemPolicy", f"{_LAST_ITEM}Policy"),
            ("known_item.", "KnownItemSlatePolicy", f"{_LAST_ITEM}SlatePolicy"),
            ("residual.", "Adjustable", "sb3_ecom.sb3.policies.residual.ResidualRule"),
        )
        for place in ("", module)
    },
}
_OWNERS = {*(name for name in MODULES if "*" not in name), *(name.rpartition(".")[0] for name in ATTRIBUTES)}


def install() -> None:
    """Let the import system find the old names; a second call changes nothing."""
    if any(isinstance(finder, _OldModules) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _OldAttributes())
    sys.meta_path.append(_OldModules())  # last: a module that is there wins
    for name in _OWNERS & set(sys.modules):
        _attach(sys.modules[name])


def new_module(old: str) -> str | None:
    """Return where an old module is now: "" where it was a mere folder, None where it is unknown."""
    if old in MODULES:
        return MODULES[old]
    folder, _, last = old.rpartition(".")
    pattern = MODULES.get(f"{folder}.*")
    return None if pattern is None else pattern.replace("*", last)


def old_modules() -> Iterator[tuple[str, str]]:
    """Yield (old, new) of the modules that are listed one by one."""
    return ((old, new) for old, new in MODULES.items() if new and "*" not in old)


def _find(module: str, name: str) -> Any:
    """Return what the attribute `name` of the old `module` is now; warn.

    Raises:
        AttributeError: if nothing of that name has moved.
    """
    new = ATTRIBUTES.get(f"{module}.{name}")
    target = new_module(module)
    if name.startswith("__") or (new is None and not target):
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    owner, _, attribute = (new or f"{target}.{name}").rpartition(".")
    found = getattr(importlib.import_module(owner), attribute, None)
    if found is None or isinstance(found, ModuleType):
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    message = f"{module}.{name} is now {owner}.{attribute}; the old name will go"
    warnings.warn(message, DeprecationWarning, stacklevel=3)
    return found


def _attach(module: ModuleType) -> None:
    """Have a module find its own old attributes where it finds none itself."""
    own = module.__dict__.get("__getattr__")

    def find(name: str) -> Any:
        if own is not None:
            try:
                return own(name)
            except AttributeError:
                pass
        return _find(module.__name__, name)

    module.__dict__["__getattr__"] = find


class _OldAttributes(MetaPathFinder):
    """Attaches the old attributes to modules that are still there, when they are imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module's own spec, or None where this is none of ours."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname in _OWNERS else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_attach(module: ModuleType) -> None:
            execute(module)
            _attach(module)

        spec.loader.exec_module = execute_and_attach  # type: ignore[method-assign]
        return spec


class _OldModules(MetaPathFinder, Loader):
    """Stands in for modules that moved."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec of an empty module for an old name; None for any other."""
        new = new_module(fullname)
        if new is None or (new and importlib.util.find_spec(new) is None):
            return None
        return ModuleSpec(fullname, self, is_package=True)  # a package: old submodules are looked for too

    def exec_module(self, module: ModuleType) -> None:
        """Give the stand-in the attributes of the new module."""
        _attach(module)
