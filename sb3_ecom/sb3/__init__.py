"""Everything that needs torch or Stable-Baselines3, by what a user types; imported on first use.

Environments, feature extractors, policies, VecEnv wrappers, callbacks and algorithms. Policies of every
algorithm with every sequence extractor are made by `policies.sequence`; see its two tables for their names.
"""

from __future__ import annotations

from sb3_ecom.core.lazy_exports import lazy_exports

_SEQUENCES = ("Lstm", "Gru", "Attention", "Transformer")
_ALGORITHMS = ("", "Maskable", "DQN", "QRDQN", "SAC", "TD3", "TQC", "CrossQ")

#: Module below `sb3_ecom.sb3` -> names that are exported, in groups.
EXPORTS: dict[str, dict[str, tuple[str, ...]]] = {
    "environments": {"vec_env": ("EcomVecEnv", "make_vec_env"), "ray.vec_env": ("RayVecEnv",)},
    "extractors": {
        "extractors.attention": ("AttendingExtractor", "AttentionExtractor", "TransformerExtractor"),
        "extractors.candidates": ("PooledCandidates",),
        "extractors.item_embedding": ("ItemEmbedding",),
        "extractors.last_item": ("LastItemEmbeddingExtractor",),
        "extractors.recurrent": ("GRUExtractor", "LSTMExtractor", "LastClickExtractor", "SequenceExtractor"),
        "extractors.text": ("TextItemEncoder",),
    },
    "policies": {
        "policies.sequence": (
            "LastClickPolicy",
            *(f"{sequence}{algorithm}Policy" for sequence in _SEQUENCES for algorithm in _ALGORITHMS),
        ),
        "policies.slate": (
            *("SlatePolicy", "CandidateSlatePolicy", "LastClickSlatePolicy"),
            *(f"{sequence}SlatePolicy" for sequence in _SEQUENCES),
        ),
        "policies.last_item": ("LastItemEmbeddingPolicy", "LastItemEmbeddingSlatePolicy"),
        "policies.item_q": ("ItemDQNPolicy", "ItemQRDQNPolicy"),
        "policies.item_rows": ("ItemRowPolicy",),
        "policies.residual": ("ResidualPolicy", "ResidualRule"),
    },
    "vec_wrappers": {
        "vec_wrappers.expected_advantage": ("VecExpectedAdvantage",),
        "vec_wrappers.item_rows": ("VecItemRows",),
        "vec_wrappers.residual": ("VecResidual",),
        "vec_wrappers.rewards": (
            *("VecConstrainedReward", "VecDelayedReward", "VecDiversityBonus", "VecNoveltyBonus"),
            *("VecPotentialShaping", "VecPrivateFeedback", "VecRiskAdjustedReward", "VecVectorReward"),
            "VecWeightedReward",
        ),
    },
    "callbacks": {
        "callbacks.metrics": ("BatchedTimeoutBootstrap", "EcomMetricsCallback", "TerminalHorizon"),
        "callbacks.dual_ascent": ("DualAscent",),
        "callbacks.frequencies": ("RowFrequencies",),
    },
    "algorithms": {"slateq.algorithm": ("SlateQ",)},
}
_HOMES = {name: module for group in EXPORTS.values() for module, names in group.items() for name in names}
__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_exports(__name__, globals(), _HOMES)
