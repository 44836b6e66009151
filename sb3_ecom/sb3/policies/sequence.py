"""Policies with a sequence extractor as their default, by dotted path for rl-zoo.

Name one in a yml (``policy: sb3_ecom.sb3.LstmPolicy``) rather than giving `features_extractor_class`:
``--optimize`` replaces the yml's `policy_kwargs` and would silently drop the extractor; a default survives.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.crossq.policies import CrossQPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from sb3_contrib.tqc.policies import TQCPolicy
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.dqn.policies import DQNPolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy

from sb3_ecom.sb3.extractors.attention import AttentionExtractor, TransformerExtractor
from sb3_ecom.sb3.extractors.recurrent import GRUExtractor, LastClickExtractor, LSTMExtractor


class WithExtractor:
    """Mixin before an SB3 policy: `extractor` is used where no `features_extractor_class` is given."""

    extractor: ClassVar[type[BaseFeaturesExtractor]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("features_extractor_class", self.extractor)
        super().__init__(*args, **kwargs)


class WithLstm(WithExtractor):
    """Mixin: an `LSTMExtractor` of 64 units."""

    extractor = LSTMExtractor


class WithGru(WithExtractor):
    """Mixin: a `GRUExtractor` of 64 units."""

    extractor = GRUExtractor


class WithAttention(WithExtractor):
    """Mixin: an `AttentionExtractor` of 4 heads and 64 units."""

    extractor = AttentionExtractor


class WithTransformer(WithExtractor):
    """Mixin: a `TransformerExtractor` of one layer, 4 heads and 64 units."""

    extractor = TransformerExtractor


class LastClickPolicy(WithExtractor, ActorCriticPolicy):  # type: ignore[misc]
    """For PPO, A2C and TRPO without memory: it sees the context and the newest history step only."""

    extractor = LastClickExtractor


class LstmPolicy(WithLstm, ActorCriticPolicy):  # type: ignore[misc]
    """For PPO, A2C and TRPO."""


class LstmMaskablePolicy(WithLstm, MaskableActorCriticPolicy):  # type: ignore[misc]
    """For MaskablePPO."""


class LstmDQNPolicy(WithLstm, DQNPolicy):  # type: ignore[misc]
    """For DQN."""


class LstmQRDQNPolicy(WithLstm, QRDQNPolicy):  # type: ignore[misc]
    """For QR-DQN."""


class LstmSACPolicy(WithLstm, SACPolicy):  # type: ignore[misc]
    """For SAC."""


class LstmTD3Policy(WithLstm, TD3Policy):  # type: ignore[misc]
    """For TD3 and DDPG."""


class LstmTQCPolicy(WithLstm, TQCPolicy):  # type: ignore[misc]
    """For TQC."""


class LstmCrossQPolicy(WithLstm, CrossQPolicy):  # type: ignore[misc]
    """For CrossQ."""


class GruPolicy(WithGru, ActorCriticPolicy):  # type: ignore[misc]
    """For PPO, A2C and TRPO."""


class GruMaskablePolicy(WithGru, MaskableActorCriticPolicy):  # type: ignore[misc]
    """For MaskablePPO."""


class GruDQNPolicy(WithGru, DQNPolicy):  # type: ignore[misc]
    """For DQN."""


class GruQRDQNPolicy(WithGru, QRDQNPolicy):  # type: ignore[misc]
    """For QR-DQN."""


class GruSACPolicy(WithGru, SACPolicy):  # type: ignore[misc]
    """For SAC."""


class GruTD3Policy(WithGru, TD3Policy):  # type: ignore[misc]
    """For TD3 and DDPG."""


class GruTQCPolicy(WithGru, TQCPolicy):  # type: ignore[misc]
    """For TQC."""


class GruCrossQPolicy(WithGru, CrossQPolicy):  # type: ignore[misc]
    """For CrossQ."""


class AttentionPolicy(WithAttention, ActorCriticPolicy):  # type: ignore[misc]
    """For PPO, A2C and TRPO."""


class AttentionMaskablePolicy(WithAttention, MaskableActorCriticPolicy):  # type: ignore[misc]
    """For MaskablePPO."""


class AttentionDQNPolicy(WithAttention, DQNPolicy):  # type: ignore[misc]
    """For DQN."""


class AttentionQRDQNPolicy(WithAttention, QRDQNPolicy):  # type: ignore[misc]
    """For QR-DQN."""


class AttentionSACPolicy(WithAttention, SACPolicy):  # type: ignore[misc]
    """For SAC."""


class AttentionTD3Policy(WithAttention, TD3Policy):  # type: ignore[misc]
    """For TD3 and DDPG."""


class AttentionTQCPolicy(WithAttention, TQCPolicy):  # type: ignore[misc]
    """For TQC."""


class AttentionCrossQPolicy(WithAttention, CrossQPolicy):  # type: ignore[misc]
    """For CrossQ."""


class TransformerPolicy(WithTransformer, ActorCriticPolicy):  # type: ignore[misc]
    """For PPO, A2C and TRPO."""


class TransformerMaskablePolicy(WithTransformer, MaskableActorCriticPolicy):  # type: ignore[misc]
    """For MaskablePPO."""


class TransformerDQNPolicy(WithTransformer, DQNPolicy):  # type: ignore[misc]
    """For DQN."""


class TransformerQRDQNPolicy(WithTransformer, QRDQNPolicy):  # type: ignore[misc]
    """For QR-DQN."""


class TransformerSACPolicy(WithTransformer, SACPolicy):  # type: ignore[misc]
    """For SAC."""


class TransformerTD3Policy(WithTransformer, TD3Policy):  # type: ignore[misc]
    """For TD3 and DDPG."""


class TransformerTQCPolicy(WithTransformer, TQCPolicy):  # type: ignore[misc]
    """For TQC."""


class TransformerCrossQPolicy(WithTransformer, CrossQPolicy):  # type: ignore[misc]
    """For CrossQ."""
