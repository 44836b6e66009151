"""Optional abilities of policies and spaces are asked for in one place."""

import numpy as np
from gymnasium import spaces

from sb3_ecom.core.item_spaces import Candidates, Items
from sb3_ecom.core.policies import ResidualRule, end_notice
from sb3_ecom.core.spaces import Layout, LayoutBox, blocks_of, candidates_of, items_of, layout_of


class Remembers:
    def __init__(self):
        self.rows = []

    def __call__(self, observation):
        return observation

    def episode_ended(self, rows):
        self.rows.append(rows)


class Offset:
    num_offsets = 1
    num_features = 1

    def features(self, observation):
        return observation

    def act(self, shift):
        return shift


def test_only_a_policy_that_remembers_is_told_of_ends():
    policy = Remembers()
    end_notice(policy)([0, 2])
    assert policy.rows == [[0, 2]]
    assert end_notice(np.zeros_like)([0]) is None


def test_a_rule_with_offsets_is_told_from_one_without():
    assert isinstance(Offset(), ResidualRule)
    assert not isinstance(Remembers(), ResidualRule)


def test_a_space_says_what_it_carries_and_nothing_else():
    items = Items(np.zeros((3, 2), np.float32), np.zeros(3, np.float32), None)
    space = LayoutBox(Layout(6, 1, 2), items=items, candidates=Candidates(0, 2, 3))
    assert (layout_of(space), items_of(space), candidates_of(space)) == (
        space.layout,
        items,
        space.candidates,
    )
    assert blocks_of(space) is None
    plain = spaces.Box(0, 1, (3,))
    assert [found(plain) for found in (layout_of, items_of, blocks_of, candidates_of)] == [None] * 4
