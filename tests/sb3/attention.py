"""A one-query attention policy, small enough to read: the device tests want more than an LSTM."""

import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from sb3_ecom.sb3.extractors.recurrent import SequenceExtractor
from sb3_ecom.sb3.policies.sequence import WithExtractor


class OneQuery(SequenceExtractor):
    def __init__(self, observation_space):
        super().__init__(observation_space, 16)
        self.keys = nn.Linear(self.layout.features, 16)
        self.values = nn.Linear(self.layout.features, 16)
        self.query = nn.Parameter(torch.ones(16) / 4)

    def encode(self, window):
        scores = (self.keys(window.history) @ self.query).masked_fill(~window.valid, -1e9)
        weights = torch.softmax(scores, 1) * window.valid
        return (weights[..., None] * self.values(window.history)).sum(1)


class AttentionPolicy(WithExtractor, ActorCriticPolicy):
    extractor = OneQuery
