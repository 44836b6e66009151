"""The market of a day on which the campaign buys nothing: what is for sale does not depend on its bids."""

from __future__ import annotations

from collections.abc import Iterator

from sb3_ecom.core.arrays import Backend
from sb3_ecom.envs.advertising.auctions import AuctionBatch
from sb3_ecom.envs.advertising.pacing.dynamics import HiddenState, next_market, open_auctions
from sb3_ecom.envs.advertising.pacing.env import PacingTask


def replay_market(
    task: PacingTask, hidden: HiddenState, source: Backend
) -> Iterator[tuple[HiddenState, AuctionBatch]]:
    """Yield the hidden state and the auctions of every tick of n days that begin with `hidden`."""
    tables = task.tables.hidden
    for _ in range(task.horizon):
        noise = task.draw_step(source, hidden.tick.shape[0])
        yield hidden, open_auctions(hidden, noise, task.params, tables)
        hidden = next_market(hidden, noise, task.params)
