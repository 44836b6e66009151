"""Policies with a sequence extractor as their default, for every algorithm: by dotted path for rl-zoo.

Name one in a yml (``policy: sb3_ecom.sb3.LstmPolicy``) rather than giving `features_extractor_class`:
``--optimize`` replaces the yml's `policy_kwargs` and would silently drop the extractor; a default survives.

The classes are made by one factory from the two tables below; ``<extractor><algorithm>Policy`` is the name of
each, for example `LstmPolicy` (PPO, A2C, TRPO), `GruDQNPolicy`, `AttentionSACPolicy`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.crossq.policies import CrossQPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from sb3_contrib.tqc.policies import TQCPolicy
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.dqn.policies import DQNPolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy

from sb3_ecom.sb3.extractors.attention import AttentionExtractor, TransformerExtractor
from sb3_ecom.sb3.extractors.recurrent import GRUExtractor, LastClickExtractor, LSTMExtractor

#: Prefix of the name -> (extractor, its settings in words).
EXTRACTORS: dict[str, tuple[type[BaseFeaturesExtractor], str]] = {
    "Lstm": (LSTMExtractor, "an LSTM of 64 units over the history"),
    "Gru": (GRUExtractor, "a GRU of 64 units over the history"),
    "Attention": (AttentionExtractor, "attention over the history, 4 heads and 64 units"),
    "Transformer": (TransformerExtractor, "a one-layer transformer over the history, 4 heads and 64 units"),
}
#: Middle of the name -> (policy, the algorithms that take it).
POLICIES: dict[str, tuple[type[BasePolicy], str]] = {
    "": (ActorCriticPolicy, "PPO, A2C and TRPO"),
    "Maskable": (MaskableActorCriticPolicy, "MaskablePPO"),
    "DQN": (DQNPolicy, "DQN"),
    "QRDQN": (QRDQNPolicy, "QR-DQN"),
    "SAC": (SACPolicy, "SAC"),
    "TD3": (TD3Policy, "TD3 and DDPG"),
    "TQC": (TQCPolicy, "TQC"),
    "CrossQ": (CrossQPolicy, "CrossQ"),
}


class WithExtractor:
    """Mixin before an SB3 policy: `extractor` is used where no `features_extractor_class` is given."""

    extractor: ClassVar[type[BaseFeaturesExtractor]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("features_extractor_class", self.extractor)
        super().__init__(*args, **kwargs)


def with_extractor(
    name: str, policy: type[BasePolicy], extractor: type[BaseFeaturesExtractor], doc: str, module: str
) -> type[BasePolicy]:
    """Return a policy class whose default extractor is `extractor`; pickles find it as `module`.`name`."""
    body = {"extractor": extractor, "__doc__": doc, "__module__": module, "__qualname__": name}
    return type(name, (WithExtractor, policy), body)


class LastClickPolicy(WithExtractor, ActorCriticPolicy):  # type: ignore[misc]
    """For PPO, A2C and TRPO without memory: it sees the context and the newest history step only."""

    extractor = LastClickExtractor


for _prefix, (_extractor, _words) in EXTRACTORS.items():
    for _middle, (_policy, _algorithms) in POLICIES.items():
        _name = f"{_prefix}{_middle}Policy"
        _doc = f"Policy for {_algorithms} with {_words}."
        globals()[_name] = with_extractor(_name, _policy, _extractor, _doc, __name__)

#: Names of all policies made here.
NAMES = ("LastClickPolicy", *(f"{prefix}{middle}Policy" for prefix in EXTRACTORS for middle in POLICIES))


def __getattr__(name: str) -> Any:  # for type checkers: the classes are made above
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
