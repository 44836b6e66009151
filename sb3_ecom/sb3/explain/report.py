"""A folder that says why a policy acts as it does: a report, pictures and tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from matplotlib.figure import Figure

from sb3_ecom.core.arrays import Array
from sb3_ecom.core.feature_names import FeatureNames, flat_names, step_place
from sb3_ecom.core.files import write_whole
from sb3_ecom.core.spaces import Layout
from sb3_ecom.sb3.explain.attributions import Attributions, attribute_actions
from sb3_ecom.sb3.explain.figures import attention_figure, importance_figure, tree_figure
from sb3_ecom.sb3.explain.item_vectors import ItemVectors
from sb3_ecom.sb3.explain.model_view import ModelView
from sb3_ecom.sb3.explain.parts import acting_extractor, attention_weights, policy_layout, to_tensor
from sb3_ecom.sb3.explain.states import collect_states
from sb3_ecom.sb3.explain.surrogate import TreeSurrogate, fit_tree
from sb3_ecom.sb3.extractors.attention import AttendingExtractor

_TOP = 5  # features in the report, of each component
_SHOWN = 20  # features in the picture
_GOOD = 0.9  # fidelity from which a tree's rules may be read as the policy's


class Explanation(NamedTuple):
    """Why a policy did what it did in some states."""

    components: tuple[str, ...]  # K, what is explained: parts of a Box action, or the whole choice
    features: tuple[str, ...]  # F, floats of the observation, then the item of each history step
    attributions: Array  # (K, n, F)
    incompleteness: tuple[float, ...]  # of each component, as shares of the change
    actions: Array  # (n, ...) the actions explained
    items: Array | None  # (n,) number of the last item, where the policy looks up its vector
    names: FeatureNames
    tree: TreeSurrogate
    attention: Array | None  # (n, heads, steps)

    @property
    def importance(self) -> Array:
        """(K, F) mean absolute attributions."""
        return np.abs(self.attributions).mean(1)


def explain(
    view: ModelView, *, decisions: int = 256, states: int = 20_000, depth: int = 4, steps: int = 32
) -> Explanation:
    """Explain a model on states that it reaches.

    Args:
        view: the model and its environment, >= 2 copies.
        decisions: that are attributed, >= 1.
        states: that the tree is fitted to, >= 1.
        depth: of the tree, >= 1.
        steps: of the attributions' integral, at first.

    Raises:
        ValueError: if a number is out of range, or the attributions do not add up (`attribute_actions`).
        ImportError: without captum or scikit-learn.
    """
    if decisions < 1:
        raise ValueError(f"decisions must be >= 1, got {decisions}")
    model, names = view.model, view.names
    layout = policy_layout(model)
    seen = collect_states(model, view, 8 * max(decisions, view.num_envs))  # type: ignore[arg-type]
    # Spread over the run: the first steps are all alike.
    rows = np.linspace(0, len(seen.observations) - 1, min(decisions, len(seen.observations))).astype(int)
    observations = seen.observations[rows]
    components = _components(model.action_space, names)
    found = [
        attribute_actions(
            model,
            observations,
            component=component,
            background=seen.observations,
            steps=steps,
            normalize=model.normalize,
        )
        for component in range(len(components))
    ]
    vectors = ItemVectors(model)
    items = None if vectors.source is None else vectors.items(to_tensor(model, observations).float())
    attends = isinstance(acting_extractor(model), AttendingExtractor)
    named = flat_names(names, layout)
    return Explanation(
        components=components,
        features=(*named, *_item_features(layout, names)),
        attributions=np.stack([_flat(each) for each in found]),
        incompleteness=tuple(each.incompleteness() for each in found),
        actions=seen.actions[rows],
        items=None if items is None else items.cpu().numpy(),
        names=names,
        tree=fit_tree(model, view, states=states, depth=depth, names=named),  # type: ignore[arg-type]
        attention=attention_weights(model, observations).cpu().numpy() if attends else None,
    )


def write_report(found: Explanation, folder: Path, heading: str) -> list[str]:
    """Write report.md, rules.txt, importances.csv, items.csv and pictures; return the report's lines.

    Every file is written whole; items.csv and attention.png only where the policy has them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = report_lines(found, heading)
    tree = found.tree
    tables = {"importances.csv": _importance_rows(found)}
    if found.items is not None:
        tables["items.csv"] = _item_rows(found)
    for name, rows in tables.items():
        write_whole(folder / name, _as_csv(rows))
    head = f"fidelity {tree.fidelity:.3f} ({_fidelity_of(tree)})\n\n"
    write_whole(folder / "rules.txt", (head + tree.rules()).encode())
    pictures = {"importances.png": _picture(found), "tree.png": tree_figure(tree)}
    if found.attention is not None:
        pictures["attention.png"] = attention_figure(found.attention)
    for name, figure in pictures.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        write_whole(folder / name, buffer.getvalue())
    write_whole(folder / "report.md", ("\n".join(lines) + "\n").encode())
    return lines


def report_lines(found: Explanation, heading: str) -> list[str]:
    """Return the report, Markdown."""
    tree, count = found.tree, found.attributions.shape[1]
    worst = max(found.incompleteness)
    verdict = (
        "its rules stand for the policy"
        if tree.fidelity >= _GOOD
        else "its rules are a rough picture of the policy, not the policy"
    )
    return [
        f"# {heading}",
        "",
        f"The tree that imitates the policy has fidelity {tree.fidelity:.3f} ({_fidelity_of(tree)}):",
        f"{verdict}. See rules.txt.",
        "",
        f"Attributions are integrated gradients of {count} decisions against the average observation. They",
        f"add up to the change of the score within {100 * worst:.2g}% (more than 5% is refused).",
        "",
        *_component_lines(found),
        *_item_lines(found),
    ]


def _component_lines(found: Explanation) -> list[str]:
    boxed = len(found.components) > 1 or found.actions.dtype.kind == "f"
    lines = ["## What moves each part of the action" if boxed else "## What moves the choice", ""]
    lines += ["| what | mean | s.d. | moved most by (mean absolute attribution) |", "|---|---|---|---|"]
    flat = found.actions.reshape(len(found.actions), -1)
    for number, (name, importance) in enumerate(zip(found.components, found.importance, strict=True)):
        top = np.argsort(-importance, kind="stable")[:_TOP]
        reasons = "; ".join(
            f"{found.features[place]} ({importance[place]:.3g})" for place in top if importance[place] > 0
        )
        values = (f"{flat[:, number].mean():.3f}", f"{flat[:, number].std():.3f}") if boxed else ("", "")
        lines.append(f"| {name} | {values[0]} | {values[1]} | {reasons or 'nothing: it is constant'} |")
    return lines


def _item_lines(found: Explanation) -> list[str]:
    if found.items is None:
        return []
    rows = _item_rows(found)[1:]
    lines = ["", "## Items whose last click moves the action most", ""]
    lines += ["| item | decisions | mean absolute attribution |", "|---|---|---|"]
    return [*lines, *(f"| {item} | {count} | {value:.3g} |" for item, count, value in rows[: 2 * _TOP])]


def _components(space: spaces.Space[Any], names: FeatureNames) -> tuple[str, ...]:
    if not isinstance(space, spaces.Box):
        return ("log-probability of the choice",)
    size = int(np.prod(space.shape))
    if len(names.action) == size:
        return names.action
    return tuple(f"component {number}" for number in range(size))


def _item_features(layout: Layout, names: FeatureNames) -> list[str]:
    return [f"item of {step_place(step, names.event)}" for step in range(-layout.steps, 0)]


def _flat(found: Attributions) -> Array:
    n = len(found.change)
    return np.concatenate([found.context, found.history.reshape(n, -1), found.items], axis=1)


def _importance_rows(found: Explanation) -> list[Sequence[Any]]:
    rows: list[Sequence[Any]] = [
        ("what", "feature", "mean_absolute_attribution", "mean_attribution", "share")
    ]
    for name, importance, values in zip(
        found.components, found.importance, found.attributions.mean(1), strict=True
    ):
        total = max(float(importance.sum()), 1e-12)
        for place in np.argsort(-importance, kind="stable"):
            if importance[place] > 0:
                numbers = (importance[place], values[place], importance[place] / total)
                rows.append((name, found.features[place], *(f"{number:.6g}" for number in numbers)))
    return rows


def _item_rows(found: Explanation) -> list[Sequence[Any]]:
    """Return item, decisions after a click on it, and what its vector moved, most first."""
    rows: list[Sequence[Any]] = []
    last = found.attributions[:, :, -1]  # of the item of the last step
    moved = np.abs(last).sum(0)
    items = np.asarray(found.items)
    for item in np.unique(items).tolist():
        chosen = items == item
        known = item < len(found.names.items)
        name = found.names.items[item] if known else f"item {item}" if not found.names.items else "(none)"
        rows.append((name, int(chosen.sum()), float(moved[chosen].mean())))
    rows.sort(key=lambda row: -row[2])
    return [("item", "decisions", "mean_absolute_attribution"), *rows]


def _as_csv(rows: Sequence[Sequence[Any]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


def _fidelity_of(tree: TreeSurrogate) -> str:
    return "share of the variance" if tree.is_regression else "share of equal actions"


def _picture(found: Explanation) -> Figure:
    order = np.argsort(-found.importance.sum(0), kind="stable")[:_SHOWN]
    order = order[found.importance[:, order].sum(0) > 0]
    return importance_figure(
        found.importance[:, order], [found.features[place] for place in order], found.components
    )
