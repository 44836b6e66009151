"""Encodes overlapping windows once: most of what a recurrent net would compute twice in a batch.

A session's window after its fifth step holds its window after the third. A net that starts from zero passes
through the shorter window's state on its way through the longer one, so one pass serves both. SB3's
minibatches hold many such rows, and every window is padded to full length besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sb3_ecom.sb3.extractors.windows import Window, at_last_valid, valid_first

_FEW = 64  # rows below which one plain pass is as fast


class Shared(NamedTuple):
    """Windows to encode, and the window whose state stands for each."""

    chosen: Tensor  # (m,) rows to encode
    place: Tensor  # (n,) where in `chosen` each row's state is found, after as many steps as the row has


def encode_recurrent(net: nn.LSTM | nn.GRU, window: Window) -> Tensor:
    """Return the state (n, h) of a recurrent net after each window's newest step; zero for an empty one.

    On a CPU, windows that open another window of the batch are read off its pass (where a gradient is
    wanted: a rollout's batch holds no two moments of a session), and padding is cut off. Elsewhere, and in
    an exported net, it is one plain pass: choosing rows would make a GPU wait for the host.
    """
    if not _may_choose(window.history):
        rolled, count = valid_first(window)
        return at_last_valid(net(rolled)[0], count)
    if window.valid.all():  # nothing to cut off, and no window can open another one
        return net(window.history)[0][:, -1]  # type: ignore[no-any-return]
    rolled, count = valid_first(window)
    # A row that is read off another one's pass would leave it the gradient of its observation.
    training = torch.is_grad_enabled() and not window.differentiated
    shared = share(rolled, count) if training else _alone(count)
    lengths = count[shared.chosen]
    of_row = lengths[shared.place]  # steps of the window that a row is read off
    parts: list[Tensor] = []
    order: list[Tensor] = []
    for long, rows in _by_length(of_row, rolled.shape[1]):
        own = torch.unique(shared.place[rows])
        outputs = net(rolled[shared.chosen[own], :long])[0]
        picked = outputs[torch.searchsorted(own, shared.place[rows]), (count[rows] - 1).clamp(min=0)]
        parts.append(picked * (count[rows] > 0)[:, None])
        order.append(rows)
    return torch.cat(parts)[torch.argsort(torch.cat(order))]


def encode_by_length(encode: Callable[[Window], Tensor], window: Window) -> Tensor:
    """Return the encodings (n, h) of windows, the padding cut off where that pays.

    On a CPU, and in batches whose windows are less than half full; one plain pass elsewhere.

    Args:
        encode: of windows with any number of steps, newest last.
        window: a batch.
    """
    if not _may_choose(window.history) or 2 * int(window.valid.sum()) > window.valid.numel():
        return encode(window)
    parts: list[Tensor] = []
    order: list[Tensor] = []
    for long, rows in _by_length(window.valid.sum(1), window.history.shape[1]):
        context, history, valid, differentiated = window
        part = Window(context[rows], history[rows, -long:], valid[rows, -long:], differentiated)
        parts.append(encode(part))
        order.append(rows)
    return torch.cat(parts)[torch.argsort(torch.cat(order))]


def share(rolled: Tensor, count: Tensor) -> Shared:
    """Find the windows that are not the beginning of another window.

    Args:
        rolled: (n, steps, features) with the valid steps first.
        count: (n,) int64 valid steps.

    Returns:
        The longest windows and, for every row, the one that begins with it. Windows are compared by a hash
        of their floats' bits, then by the floats: a row that its hash assigned wrongly stands alone.
    """
    n, steps, _ = rolled.shape
    keys = _prefix_keys(rolled)
    longest_first = torch.argsort(count, descending=True, stable=True)
    valid = torch.arange(steps) < count[longest_first, None]
    owners = longest_first[:, None].expand(n, steps)[valid]
    table, where = torch.sort(keys[longest_first][valid], stable=True)
    own = keys[torch.arange(n), (count - 1).clamp(min=0)]
    found = torch.searchsorted(table, own).clamp(max=max(len(table) - 1, 0))
    itself = torch.arange(n)
    if not len(table):
        return Shared(itself[:1], torch.zeros(n, dtype=torch.long))
    owner = owners[where[found]]  # of equal keys, the first is the longest window's
    owner = torch.where(count > 0, owner, longest_first[0])  # an empty window is read off any
    same = (rolled[owner] == rolled).all(2) | (torch.arange(steps) >= count[:, None])
    owner = torch.where(same.all(1), owner, itself)
    chosen, place = torch.unique(owner, return_inverse=True)
    return Shared(chosen, place)


def _alone(count: Tensor) -> Shared:
    rows = torch.arange(len(count))
    return Shared(rows, rows)


def _may_choose(rolled: Tensor) -> bool:
    traced = torch.jit.is_tracing() or torch.compiler.is_compiling()  # type: ignore[attr-defined,no-untyped-call]
    return not traced and rolled.device.type == "cpu" and len(rolled) >= _FEW


def _by_length(lengths: Tensor, steps: int) -> Iterator[tuple[int, Tensor]]:
    """Yield (steps to keep, rows): a window keeps at most twice the steps that it holds, and two."""
    long = steps
    while long:
        short = long // 2 if long > 2 else 0
        rows = torch.nonzero((lengths <= long) & ((lengths > short) | (short == 0)))[:, 0]
        if len(rows):
            yield long, rows
        long = short


def _prefix_keys(rolled: Tensor) -> Tensor:
    """Return (n, steps) int64: a key of the first k + 1 steps' bits, at k."""
    _, steps, features = rolled.shape
    generator = torch.Generator().manual_seed(0)
    factors = torch.randint(-(2**62), 2**62, (steps, features), generator=generator) * 2 + 1
    # Adding 0 makes the two zeros one. Products and sums wrap around, as a hash may.
    bits = (rolled.detach().float() + 0.0).view(torch.int32).long()
    return ((bits ^ (bits >> 15)) * factors).sum(2).cumsum(1)
