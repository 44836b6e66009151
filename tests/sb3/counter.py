"""A toy task for policies that score what can be chosen now: fresh candidates on every page."""

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.item_spaces import Candidates
from sb3_ecom.core.spaces import Layout, LayoutBox
from tests.sb3.plain_vec_env import PlainVecEnv

M, F = 6, 2
CANDIDATES = Candidates(2, M, F, columns=1)
SPACE = LayoutBox(Layout(CANDIDATES.stop + 1, 0, 0), -5.0, 5.0, candidates=CANDIDATES)


class Counter(PlainVecEnv):
    """A visitor of kind k likes feature k, but nothing that is sold out (the column); pages are unrelated."""

    def __init__(self, num_envs=32, action_space=None):
        super().__init__(num_envs, SPACE, action_space or spaces.Discrete(M))
        self.rng = np.random.default_rng(0)

    def reset(self):
        n = self.num_envs
        self.kind = self.rng.integers(2, size=n)
        self.rows = self.rng.normal(size=(n, M, F)).astype(np.float32)
        self.sold = (self.rng.random((n, M)) < 0.3).astype(np.float32)
        kind = np.eye(2, dtype=np.float32)[self.kind]
        return np.concatenate([kind, self.rows.reshape(n, -1), self.sold, np.ones((n, 1), np.float32)], 1)

    def worth(self):
        """Return (n, M) what each candidate pays now."""
        liked = np.take_along_axis(self.rows, self.kind[:, None, None], 2)[..., 0]
        return liked - 3.0 * self.sold

    def step_async(self, actions):
        self.actions = np.asarray(actions).reshape(self.num_envs, -1)

    def step_wait(self):
        reward = np.take_along_axis(self.worth(), self.actions, 1).sum(1).astype(np.float32)
        last, following = np.zeros((self.num_envs, SPACE.layout.size), np.float32), self.reset()
        infos = [{"terminal_observation": row, "TimeLimit.truncated": False} for row in last]
        return following, reward, np.ones(self.num_envs, bool), infos


def share_of_best(agent, pages=20):
    """Return what the agent's first choices pay as a share of what the best ones would."""
    env = Counter(64)
    earned = best = 0.0
    for _ in range(pages):
        observation = env.reset()
        action = agent.predict(observation, deterministic=True)[0].reshape(64, -1)[:, :1]
        earned += np.take_along_axis(env.worth(), action, 1).sum()
        best += env.worth().max(1).sum()
    return earned / best
