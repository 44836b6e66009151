"""Explanations of a policy: attention, integrated gradients, and a tree that imitates it.

The attributions need captum and the tree scikit-learn: ``pip install sb3-ecom[explain]``.
"""

from sb3_ecom.sb3.explain.attributions import Attributions, attribute_actions
from sb3_ecom.sb3.explain.callback import ExplainCallback
from sb3_ecom.sb3.explain.figures import attention_figure, attribution_figure, tree_figure
from sb3_ecom.sb3.explain.parts import attention_weights, feature_names, policy_layout
from sb3_ecom.sb3.explain.states import States, collect_states
from sb3_ecom.sb3.explain.surrogate import TreeSurrogate, fit_tree

__all__ = [
    "Attributions",
    "ExplainCallback",
    "States",
    "TreeSurrogate",
    "attention_figure",
    "attention_weights",
    "attribute_actions",
    "attribution_figure",
    "collect_states",
    "feature_names",
    "fit_tree",
    "policy_layout",
    "tree_figure",
]
