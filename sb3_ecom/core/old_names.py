"""Table of modules and classes that moved or were renamed: old dotted name -> new dotted name."""

from __future__ import annotations

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
            "rank.virtual": "rank.virtual_value",
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
            "baselines.lookahead": "single_item.lookahead",
            "baselines.shifted": "residual",
            "baselines.shop_forecasts": "shop.forecasts",
            "baselines.shop_refine": "shop.cross_entropy_search",
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
    ("sb3_ecom.wrappers.", "sb3_ecom.wrappers.", {"face": "wrapper"}),
    (
        _REC,
        _REC,
        {
            "bored": "boredom",
            "bored.*": "boredom.*",
            "cold": "cold_start",
            "cold.expected": "cold_start.expected_advantage",
            "cold.*": "cold_start.*",
            "large.page": "large.render",
            "context.fit": "context.calibration",
            "evolution.worth": "evolution.value_fit",
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
            **{name: f"calibration.{name}" for name in ("click_rows", "fit", "purchases")},
            "sessions": "calibration.sessions",
            "foresight": "session.transition_model",
            "logged": "session.item_similarity",
            "page": "session.render",
            "session_log": "session.tracker",
            "shop": "session.ranker",
            **{name: f"session.{name}" for name in ("baselines", "belief", "dynamics", "env", "garments")},
            **{name: f"session.{name}" for name in ("linucb", "oracle", "page_view", "params", "planning")},
            **{name: f"session.{name}" for name in ("presets", "rewards", "spec", "tiny")},
            "visit_tables": "session.visit_tables",
        },
    ),
    (_REC, _CORE, {"references": "references", "report": "fidelity"}),
    (
        _SB3,
        _SB3,
        {
            "callbacks": "callbacks.metrics",
            "device.tally": "device.stats",
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

_LAST_ITEM = "sb3_ecom.sb3.policies.last_item.LastItemEmbedding"
#: Renamed classes and functions, and those that moved out of a module that is still there.
ATTRIBUTES = {
    "sb3_ecom.core.arrays.fill": "sb3_ecom.core.arrays.masked_fill",
    "sb3_ecom.core.arrays.mark": "sb3_ecom.core.arrays.set_true",
    "sb3_ecom.core.arrays.pick": "sb3_ecom.core.arrays.take_rows",
    "sb3_ecom.core.arrays.renew": "sb3_ecom.core.arrays.update_where",
    "sb3_ecom.core.prospects.Foresight": "sb3_ecom.core.transition_model.TransitionModel",
    "sb3_ecom.core.prospects.Prospects": "sb3_ecom.core.transition_model.Outcomes",
    "sb3_ecom.core.table_columns.NumberParser": "sb3_ecom.core.tables.numbers.NumberParser",
    "sb3_ecom.core.table_columns.TimeParser": "sb3_ecom.core.tables.times.TimeParser",
    "sb3_ecom.core.spaces.ItemSigns": "sb3_ecom.core.item_spaces.ItemSignature",
    f"{_ADS}auctions.Lots": f"{_ADS}auctions.AuctionBatch",
    f"{_ADS}auto.auction.Judged": f"{_ADS}auto_bidding.auction.ResolvedAuctions",
    f"{_ADS}auto.auction.Lots": f"{_ADS}auto_bidding.auction.AuctionBatch",
    f"{_ADS}dial.Dial": f"{_ADS}bid_multiplier.BidMultiplier",
    **{
        f"{_REC}{old}.{room}.{old.title()}{kind}": f"{_REC}{new}.{room}.{new.title().replace('_', '')}{kind}"
        for old, new in (
            ("cold", "cold_start"),
            ("bored", "boredom"),
            ("organic", "organic_browsing"),
            ("retain", "retention"),
        )
        for room, kind in (("env", "Task"), ("params", "Params"))
    },
    f"{_REC}cold.expected.ExpectedGain": f"{_REC}cold_start.expected_advantage.ExpectedAdvantage",
    f"{_REC}evolution.expected.ExpectedGain": f"{_REC}evolution.expected_advantage.ExpectedAdvantage",
    f"{_REC}foresight.SessionForesight": f"{_REC}session.transition_model.SessionTransitionModel",
    f"{_REC}shop.ShopTables": f"{_REC}session.public_tables.ShopTables",
    f"{_REC}shop.USUAL": f"{_REC}session.ranker.DEFAULT_RANKER",
    f"{_REC}shop.Usual": f"{_REC}session.ranker.DefaultRanker",
    f"{_REC}visit_tables.Goods": f"{_REC}session.visit_tables.ItemAttributes",
    "sb3_ecom.sb3.device.tally.DeviceTally": "sb3_ecom.sb3.device.stats.DeviceStats",
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
            (
                "known_item.",
                "KnownItemExtractor",
                "sb3_ecom.sb3.extractors.last_item.LastItemEmbeddingExtractor",
            ),
            ("known_item.", "KnownItemPolicy", f"{_LAST_ITEM}Policy"),
            ("known_item.", "KnownItemSlatePolicy", f"{_LAST_ITEM}SlatePolicy"),
            ("residual.", "Adjustable", "sb3_ecom.sb3.policies.residual.ResidualRule"),
        )
        for place in ("", module)
    },
}
