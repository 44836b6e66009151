"""Names of the floats of observations and actions, for explanations."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from sb3_ecom.core.spaces import Layout


class FeatureNames(NamedTuple):
    """What the floats of a task's observations and actions are, in the reader's words."""

    context: tuple[str, ...]  # one a float
    step: tuple[str, ...] = ()  # one a feature of a history step, feature 0 is its validity
    event: str = "step"  # what a step of the history is
    action: tuple[str, ...] = ()  # one a component of a Box
    items: tuple[str, ...] = ()  # N ids of the catalogue
    row: tuple[str, ...] = ()  # context of an item's row (`ItemRows`), before which item it is
    row_action: tuple[str, ...] = ()  # components of its action


@runtime_checkable
class NamedFeatures(Protocol):
    """A task that names its features."""

    def feature_names(self) -> FeatureNames:
        """Return the names."""


def names_of(task: object, layout: Layout) -> FeatureNames:
    """Return a task's names, or numbers in place of those that it does not give.

    Args:
        task: any.
        layout: of its observations.

    Raises:
        ValueError: if the task names another number of floats.
    """
    names = task.feature_names() if isinstance(task, NamedFeatures) else FeatureNames(())
    context = names.context or tuple(f"context {index}" for index in range(layout.context))
    step = names.step or tuple(f"feature {index}" for index in range(layout.features))
    if (len(context), len(step)) != (layout.context, layout.features):
        raise ValueError(
            f"names must be of {layout.context} floats of context and {layout.features} of a step, got "
            f"{len(context)} and {len(step)}"
        )
    return names._replace(context=context, step=step)


def step_place(step: int, event: str) -> str:
    """Return where a step of the history stands: -1 is the last one, -2 the last but one."""
    return {-1: f"the last {event}", -2: f"the last {event} but one"}.get(step, f"{event} {step}")


def flat_names(names: FeatureNames, layout: Layout) -> list[str]:
    """Return one name per float of a flat observation: ``price of the last step``."""
    found = list(names.context)
    for step in range(-layout.steps, 0):
        found += [f"{feature} of {step_place(step, names.event)}" for feature in names.step]
    return found
