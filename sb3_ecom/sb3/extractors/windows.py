"""Cuts an observation into context and a left-padded window of history, wherever its layout stands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from gymnasium import spaces
from torch import Tensor

from sb3_ecom.core.spaces import Layout, layout_of


class Window(NamedTuple):
    """A batch of observations, cut."""

    context: Tensor  # (n, context)
    history: Tensor  # (n, steps, features), newest step last
    valid: Tensor  # (n, steps) bool, true where the step happened; always a suffix
    differentiated: bool = False  # someone wants gradients of the observations themselves


def find_layout(space: spaces.Space[Any], sequence: tuple[int, int] | None) -> Layout:
    """Return the layout of an observation space.

    Args:
        space: a `LayoutBox`; a flat Box together with `sequence`; or a Dict with a (steps, features) Box
            under the key ``history``, whose other keys are the context.
        sequence: (steps, features) of the history that ends a flat Box without layout.

    Raises:
        ValueError: if the space tells no layout or `sequence` does not fit into it.
    """
    if isinstance(space, spaces.Dict):
        return _dict_layout(space)
    size = math.prod(space.shape or ())
    if sequence is not None:
        steps, features = sequence
        if steps < 1 or features < 1 or steps * features > size:
            raise ValueError(f"sequence must be (steps, features) >= 1 within {size} floats, got {sequence}")
        return Layout(size - steps * features, steps, features)
    layout = layout_of(space)
    if layout is None:
        raise ValueError(
            f"observation space must be a LayoutBox, or give sequence=(steps, features); got {space}"
        )
    if layout.steps < 1 or layout.features < 1:
        raise ValueError(f"a sequence extractor needs a history of >= 1 step, got {layout}")
    return layout


def cut(observations: Tensor | Mapping[str, Tensor], layout: Layout, masked: bool) -> Window:
    """Cut a batch; `masked` says whether feature 0 of a step is its validity (else all steps are valid)."""
    if isinstance(observations, Tensor):
        context, history = layout.split(observations)
    else:
        history = observations["history"]
        rest = [observations[key].flatten(1) for key in sorted(observations) if key != "history"]
        context = torch.cat(rest, 1) if rest else history.new_zeros((history.shape[0], 0))
    valid = history[..., 0] > 0.5 if masked else torch.ones_like(history[..., 0], dtype=torch.bool)
    return Window(context, history, valid, history.requires_grad)


def valid_first(window: Window) -> tuple[Tensor, Tensor]:
    """Roll every window so that its valid steps come first, in order.

    Left padding is handy to write and poison to a recurrent net: its state would have to stay zero through
    the padding. Rolled, the padding comes after everything that counts, so one plain pass of the fast
    kernel gives the right state at the last valid step.

    Returns:
        The rolled history (n, steps, features) and the number of valid steps (n,) int64.
    """
    steps = window.history.shape[1]
    count = window.valid.sum(1)
    order = torch.arange(steps, device=count.device)
    index = (order - count[:, None]) % steps
    rolled = torch.gather(window.history, 1, index[..., None].expand_as(window.history))
    return rolled, count


def at_last_valid(outputs: Tensor, count: Tensor) -> Tensor:
    """Return outputs (n, steps, h) of `valid_first` windows at the last valid step: (n, h), zero if none."""
    last = (count - 1).clamp(min=0)
    picked = outputs[torch.arange(outputs.shape[0], device=outputs.device), last]
    return picked * (count > 0)[:, None]


def _dict_layout(space: spaces.Dict) -> Layout:
    history = space.spaces.get("history")
    if history is None or history.shape is None or len(history.shape) != 2:
        raise ValueError(f"a Dict observation needs a (steps, features) Box under 'history', got {space}")
    context = sum(math.prod(part.shape or ()) for key, part in space.spaces.items() if key != "history")
    return Layout(context, *history.shape)
