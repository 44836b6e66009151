"""What the shop has seen of a session, kept as the observation shows it. Pure, batched, no randomness."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import Array, array_namespace, look_up, update_where, zeros
from sb3_ecom.envs.recommendation.session.dynamics import PageOutcome

HISTORY = 20  # T, clicks the agent remembers
FACTS = 5  # floats of a click in the history, before its embedding: valid, bought, price, waited, slot
_BOUGHT, _WAITED_FACT, _SLOT = 1, 3, 4  # those of the session itself
_PROXY, _WAITED, _CLICKS, _HOUR = range(4)  # columns of `Log.context`; the hour has two
_CONTEXT = _HOUR + 2
_PROXY_DECAY = 0.9  # of the agent's own moving average of clicks
_WAIT = 5.0  # pages; scales waiting times to order one
_OFTEN = 4.0  # clicks; scales decayed clicks per category to order one


class Log(NamedTuple):
    """What the shop has seen of a session."""

    context: Array  # (n, 5) moving average of clicks, pages since a click, clicks, hour's sine, cosine
    history: Array  # (n, T, F) landing item and clicks as the agent sees them, newest last; 0 before them
    items: Array  # (n, T) int, their ids; -1 before them

    @property
    def last(self) -> Array:
        """(n,) int, the item clicked last (at first the landing item)."""
        return self.items[:, -1]

    @property
    def bought(self) -> Array:
        """(n, T) of each click: 0/1."""
        return self.history[..., _BOUGHT]

    @property
    def proxy(self) -> Array:
        """(n,) moving average of clicks per page."""
        return self.context[:, _PROXY]

    @property
    def clicks(self) -> Array:
        """(n,) clicks so far."""
        return self.context[:, _CLICKS]

    @property
    def hour(self) -> Array:
        """(n, 2) sine and cosine of the time of day."""
        return self.context[:, _HOUR:]


def page_table(slate_size: int) -> Array:
    """Return (K + 1, 11) float32 by slot clicked (K: none): slot / K; factors, summands of the context."""
    table = np.zeros((slate_size + 1, 1 + 2 * _CONTEXT), dtype=np.float32)
    table[:, 0] = np.arange(slate_size + 1) / slate_size
    factors, summands = table[:, 1:-_CONTEXT], table[:, -_CONTEXT:]
    factors[:] = 1
    factors[:, _PROXY], factors[:-1, _WAITED] = _PROXY_DECAY, 0
    summands[:-1, _PROXY], summands[-1, _WAITED], summands[:-1, _CLICKS] = 1 - _PROXY_DECAY, 1, 1
    return table


def context_scale(horizon: int, groups: int) -> Array:
    """Return (6 + G,) float32, divisors of the observation's context: page, `Log.context`, satiation."""
    return np.array([horizon, 1, _WAIT, 10, 1, 1, *[_OFTEN] * groups], dtype=np.float32)


def open_log(event: Array, entry: Array, hour: Array) -> Log:
    """Open the logs of sessions.

    Args:
        event: (N + 1, F) a click in the history.
        entry: (n,) int, the item on which the visitor landed.
        hour: (n,) of the day, in [0, 1).
    """
    xp, n = array_namespace(entry), entry.shape[0]
    angle = hour * (2 * np.pi)
    context = zeros(hour, n, _CONTEXT)
    context[:, _HOUR], context[:, _HOUR + 1] = xp.sin(angle), xp.cos(angle)
    history, items = zeros(hour, n, HISTORY, event.shape[1]), zeros(entry, n, HISTORY) - 1
    history[:, -1], items[:, -1] = look_up(event, entry), entry
    return Log(context, history, items)


def write_log(log: Log, event: Array, page: Array, outcome: PageOutcome) -> Log:
    """Note a click as the newest row of the history; a page without one only adds to the wait.

    Args:
        log: before the page.
        event: (N + 1, F) a click in the history, the last row of none.
        page: see `page_table`.
        outcome: of the page.
    """
    chosen, seen = outcome.item >= 0, look_up(page, outcome.slot)
    return Log(
        context=log.context * seen[:, 1:-_CONTEXT] + seen[:, -_CONTEXT:],
        history=update_where(
            log.history, chosen, lambda rows: _history_after(log, event, seen, outcome, rows)
        ),
        items=update_where(log.items, chosen, lambda rows: _pushed(log.items[rows], outcome.item[rows])),
    )


def _history_after(log: Log, event: Array, seen: Array, outcome: PageOutcome, rows: Any) -> Array:
    """Return the (k, T, F) history of the copies `rows` after their clicks."""
    newest = look_up(event, outcome.item[rows])
    newest[:, _BOUGHT], newest[:, _SLOT] = outcome.bought[rows], seen[rows, 0]
    newest[:, _WAITED_FACT] = (log.context[rows, _WAITED] + 1.0) / _WAIT
    return _pushed(log.history[rows], newest)


def _pushed(queue: Array, newest: Array) -> Array:
    """Return the (k, T, ...) `queue`, oldest first, after the (k, ...) `newest` joined at its end."""
    return array_namespace(queue).concat((queue[:, 1:], newest[:, None]), axis=1)
