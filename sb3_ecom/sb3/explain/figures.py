"""Pictures of an explanation, for TensorBoard and PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sb3_ecom.core.arrays import Array
from sb3_ecom.sb3.explain.attributions import Attributions
from sb3_ecom.sb3.explain.surrogate import TreeSurrogate


def attention_figure(weights: Array) -> Figure:
    """Draw mean attention per head over the history, from weights (n, heads, steps)."""
    figure = Figure(figsize=(6.4, 3.2), dpi=100, layout="constrained")
    axis = figure.subplots()
    found = np.asarray(weights)
    alive = found[found.sum((1, 2)) > 0]  # an empty history attends to nothing
    if len(alive):
        steps = np.arange(-found.shape[2], 0)
        for head, line in enumerate(alive.mean(0)):
            axis.plot(steps, line, marker=".", linewidth=1.2, label=f"head {head}")
        axis.legend(fontsize=7, frameon=False)
    axis.set(xlabel="history step (-1 = newest)", ylabel="attention", ylim=(0, None))
    axis.set_title(f"mean attention over {len(alive)} histories", fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def attribution_figure(attributions: Attributions) -> Figure:
    """Draw mean absolute attributions: history steps x features as a map, the context as bars."""
    context, history, _ = attributions.importance()
    parts = [part for part in ("history", "context") if {"history": history, "context": context}[part].size]
    figure = Figure(figsize=(6.4, 2.6 * len(parts) + 0.4), dpi=100, layout="constrained")
    axes = dict(zip(parts, figure.subplots(len(parts), squeeze=False)[:, 0], strict=True))
    if "history" in axes:
        axis, steps = axes["history"], history.shape[0]
        extent = (-steps - 0.5, -0.5, history.shape[1] - 0.5, -0.5)
        shown = axis.imshow(history.T, aspect="auto", extent=extent, cmap="viridis", vmin=0)
        figure.colorbar(shown, ax=axis)
        axis.set(xlabel="history step (-1 = newest)", ylabel="feature")
        axis.locator_params(integer=True)
    if "context" in axes:
        axes["context"].bar(np.arange(len(context)), context)
        axes["context"].set(xlabel="context float", ylabel="attribution")
        axes["context"].spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"mean absolute attribution, {len(attributions.change)} actions", fontsize=9)
    return figure


def importance_figure(importance: Array, features: Sequence[str], components: Sequence[str]) -> Figure:
    """Draw (K, F) mean absolute attributions by name: bars for one component, else a map."""
    height = 1.2 + 0.24 * max(len(features), 1)
    width = 6.4 if len(components) == 1 else 5.0 + 0.45 * len(components)
    figure = Figure(figsize=(width, height + (0 if len(components) == 1 else 2.0)), dpi=100)
    figure.set_layout_engine("constrained")
    axis = figure.subplots()
    if len(components) == 1:
        axis.barh(np.arange(len(features)), importance[0])
        axis.invert_yaxis()
        axis.set(title=components[0], xlabel="mean absolute attribution")
        axis.spines[["top", "right"]].set_visible(False)
    else:
        shown = axis.imshow(importance.T, aspect="auto", cmap="viridis", vmin=0)
        figure.colorbar(shown, ax=axis, label="mean absolute attribution")
        axis.set_xticks(np.arange(len(components)), components, rotation=60, ha="right", fontsize=7)
    axis.set_yticks(np.arange(len(features)), features, fontsize=7)
    return figure


def tree_figure(surrogate: TreeSurrogate, levels: int = 3) -> Figure:
    """Draw the first levels of a tree, with its fidelity."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from sklearn.tree import plot_tree

    figure = Figure(figsize=(12.8, 6.4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)  # scikit-learn measures its boxes with a renderer
    axis: Any = figure.subplots()
    tree = surrogate.tree
    boxes = plot_tree(
        tree, max_depth=levels, feature_names=surrogate.names, ax=axis, fontsize=7, impurity=False
    )
    if tree.n_outputs_ > 3:  # long columns of numbers would cover the rules
        for box in boxes:
            box.set_text(box.get_text().split("\nvalue")[0])
    figure.suptitle(f"tree of depth {tree.get_depth()}, fidelity {surrogate.fidelity:.3f}", fontsize=9)
    return figure
