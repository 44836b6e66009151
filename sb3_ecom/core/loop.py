"""The only step loop: noise, physics, reward terms, horizon, autoreset and episode totals."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import numpy as np

from sb3_ecom.core.arrays import (
    Array,
    Backend,
    NumpyBackend,
    array_namespace,
    keep_freed_memory,
    tree_map,
    tree_take,
)
from sb3_ecom.core.checks import check_whole
from sb3_ecom.core.task import PastTask, Task

_MOST_COPIES = 10_000_000
_NO_ROWS = np.zeros(0, dtype=np.int64)


class Transition(NamedTuple):
    """Result of one step of n copies; the last three fields hold the k copies that ended, in `rows`.

    On a backend that does not gather, `rows` is None and those fields have all n rows, of which the ended
    ones count.
    """

    observation: Array  # (n, d) float32, of the NEW episode where one ended (SAME_STEP)
    reward: Array  # (n,) float32
    terminated: Array  # (n,) bool
    truncated: Array  # (n,) bool, and not terminated
    terms: dict[str, Array]  # reward term -> (n,)
    step_info: dict[str, Array]  # task's own info, e.g. slate -> (n, K)
    rows: Array  # (k,) int, copies whose episode ended; None where the backend does not gather
    final_observation: Array  # (k, d) float32, the last of the old episode
    totals: dict[str, Array]  # counter, "reward", "length" -> (k,) sums over the ended episodes


class StepLoop:
    """Steps n copies of a task.

    The loop owns the state: on a backend that gathers it writes the rows of new episodes into it in place,
    so `Task.step` must return arrays that share no memory with its tables.

    Args:
        task: what to simulate; bound to the backend's arrays here.
        num_envs: copies, >= 1.
        backend: where arrays live; NumPy by default.
        keep_last_frame: remember the last page before an autoreset, for rendering.
        stagger: spread the first truncation of the copies over the horizon, so that training batches do
            not see all episodes start together.

    Raises:
        ValueError: if `num_envs` is no whole number in [1, 10,000,000].
    """

    def __init__(
        self,
        task: Task,
        num_envs: int,
        backend: Backend | None = None,
        *,
        keep_last_frame: bool = False,
        stagger: bool = False,
    ) -> None:
        check_whole("num_envs", num_envs, 1, _MOST_COPIES)
        keep_freed_memory()
        self.backend: Backend = NumpyBackend() if backend is None else backend
        self.task = task.bind(self.backend.asarray)
        self.num_envs = int(num_envs)
        self.seeded: int | None = None
        self.state: Any = None
        self.last_frame: tuple[Any, Any | None] | None = None
        self._keep_last_frame = keep_last_frame
        self._past: deque[tuple[Any, Any]] = deque(  # frames before the last one
            maxlen=task.past_shown if isinstance(task, PastTask) else 0
        )
        self._shown_elapsed: Array = None  # steps of the last frame
        self.stagger = stagger
        self._clock = 0
        self._elapsed: Array = None
        self._one = self.backend.asarray(np.ones(1, dtype=np.int64))
        self._head_start: Array = None  # steps that `stagger` pretends have passed
        self._totals: dict[str, Array] = {}
        self._no_totals: dict[str, Array] = {}  # what a step tells that ended no episode

    def reset(self, seed: int | None = None) -> Array:
        """Start n new episodes; return (n, d) observations. A seed restarts the random streams."""
        if seed is not None or self.seeded is None:
            self.seeded = self.backend.seed(seed)
            self._clock = 0
        self._clock += 1
        self.state = self.task.initial_state(self._reset_noise())
        self._head_start = self._first_elapsed()
        self._elapsed = self._head_start * 1
        self._totals = {}
        self.show_new_episodes()
        return self.task.observe(self.state)

    def reset_rows(self, rows: Array) -> Array:
        """Start new episodes in some copies, int (k,), and leave the others alone; return all observations.

        Raises:
            RuntimeError: before the first `reset`.
        """
        if self.state is None:
            raise RuntimeError("some copies can restart only after a reset of all: call reset() first")
        self._clock += 1
        self._restart_rows(rows)
        if self._keep_last_frame:
            self._keep_frame(None)
        return self.task.observe(self.state)

    @property
    def head_start(self) -> Array:
        """Steps (n,) that `stagger` pretends have passed before each running episode began."""
        return self._head_start

    def _restart_rows(self, rows: Array) -> Any:
        """Write new episodes into the state's `rows`; return the fresh states."""
        fresh = self.task.initial_state(tree_take(self._reset_noise(), rows))
        tree_map(lambda leaf, new: leaf.__setitem__(rows, new), self.state, fresh)
        self._elapsed[rows] = 0
        self._head_start[rows] = 0
        for total in self._totals.values():
            total[rows] = 0
        return fresh

    def take_rows(self, rows: Array) -> Any:
        """Return a copy of the running episodes of some copies, int (k,), for `put_rows`. NumPy only."""
        totals = {name: total[rows] for name, total in self._totals.items()}
        return tree_take(self.state, rows), self._elapsed[rows], self._head_start[rows], totals

    def put_rows(self, rows: Array, taken: Any) -> None:
        """Put episodes that `take_rows` returned back into their copies, as if no step had passed there."""
        state, elapsed, head_start, totals = taken
        states = [self.state] if self.last_frame is None else [self.state, self.last_frame[0]]
        for whole in states:
            tree_map(lambda leaf, old: leaf.__setitem__(rows, old), whole, state)
        self._elapsed[rows], self._head_start[rows] = elapsed, head_start
        for name, total in self._totals.items():
            total[rows] = totals[name] if totals else 0

    def forget_totals(self) -> None:
        """Start the totals and lengths of the running episodes anew: a warm-up is over."""
        self._totals = {}
        self._head_start = self._elapsed * 1

    def step(self, action: Array) -> Transition:
        """Advance every copy; copies whose episode ends start a new one in the same step."""
        if self.state is None:
            raise RuntimeError("step was called before reset: call reset() first")
        task = self.task
        self._clock += 1
        self.state, outcome = task.step(self.state, action, task.draw_step(self.backend, self.num_envs))
        terms = task.terms(outcome)
        reward = task.reward(terms)
        terminated = task.terminated(outcome)
        self._elapsed = self._elapsed + self._one
        truncated = (self._elapsed >= task.horizon) & ~terminated
        self._add_to_totals(outcome, terms, reward)
        step_info = task.step_info(outcome)
        if self._keep_last_frame:
            self._keep_frame(outcome)
        end_episodes = self._gather_ended if self.backend.gathers else self._merge_ended
        ended = end_episodes(terminated | truncated)
        return Transition(ended[0], reward, terminated, truncated, terms, step_info, *ended[1:])

    def show_new_episodes(self) -> None:
        """Make the first frame of the copies' new episodes the last frame: it has no outcome and no past."""
        if self._keep_last_frame:
            self._past.clear()
            self.last_frame = None
            self._keep_frame(None)

    def render(self, row: int, mode: str, *, begun: bool = False) -> Any:
        """Return the last frame of copy `row` as its task draws it; None where no frame is kept.

        `begun` says that the copy's episode has only begun: its frame has no outcome and no past.
        """
        if self.last_frame is None:
            return None
        state, outcome = self.last_frame
        if begun:
            return self.task.render(state, None, row, mode)
        if isinstance(self.task, PastTask):
            return self.task.render(state, outcome, row, mode, self._past_of(row))
        return self.task.render(state, outcome, row, mode)

    def _keep_frame(self, outcome: Any | None) -> None:
        if self.last_frame is not None and self.last_frame[1] is not None and self._past.maxlen:
            self._past.append(self.last_frame)
        self.last_frame = (tree_map(np.copy, self.state), outcome)
        self._shown_elapsed = self._elapsed - self._head_start

    def _past_of(self, row: int) -> list[tuple[Any, Any]]:
        """Return the earlier frames of the episode that the last frame of copy `row` belongs to."""
        last_has_outcome = self.last_frame is not None and self.last_frame[1] is not None
        count = max(int(self._shown_elapsed[row]) - last_has_outcome, 0)
        return list(self._past)[-count:] if count else []

    def _reset_noise(self) -> Any:
        # Keyed by the clock, not drawn from the step stream: whose episode ends must not move the others.
        return self.task.draw_reset(self.backend.spawn(self._clock), self.num_envs)

    def _first_elapsed(self) -> Array:
        steps = np.zeros(self.num_envs, dtype=np.int64)
        if self.stagger:
            steps = np.arange(self.num_envs, dtype=np.int64) * self.task.horizon // self.num_envs
        return self.backend.asarray(steps)

    def _add_to_totals(self, outcome: Any, terms: dict[str, Array], reward: Array) -> None:
        counters = {**self.task.counters(outcome, terms), "reward": reward}
        totals = self._totals
        if not totals:
            self._totals = {name: value * 1.0 for name, value in counters.items()}
            return
        # A fresh sum: on few copies NumPy's `+=` takes seven times as long.
        self._totals = {name: totals[name] + value for name, value in counters.items()}

    def _gather_ended(self, done: Array) -> tuple[Array, Array, Array, dict[str, Array]]:
        """Observe, and restart the copies that are done: (observation, rows, final, totals)."""
        observation = self.task.observe(self.state)
        ended = np.count_nonzero(done)  # on few copies quicker than `any`
        if ended == self.num_envs:
            return self._restart_all(observation)
        if not ended:
            if not self._no_totals:
                self._no_totals = {name: total[:0] for name, total in self._totals.items()}
                self._no_totals["length"] = self._elapsed[:0]
            return observation, _NO_ROWS, observation[:0], self._no_totals
        rows = np.flatnonzero(done)
        final = observation[rows]
        totals = {name: total[rows] for name, total in self._totals.items()}
        totals["length"] = (self._elapsed - self._head_start)[rows]
        observation[rows] = self.task.observe(self._restart_rows(rows))
        return observation, rows, final, totals

    def _restart_all(self, final: Array) -> tuple[Array, Array, Array, dict[str, Array]]:
        """Do the same where every copy is done, as a single one is: nothing has to be copied row by row."""
        totals = {**self._totals, "length": self._elapsed - self._head_start}
        self.state = self.task.initial_state(self._reset_noise())
        self._elapsed = self._head_start = self._elapsed * 0
        self._totals = {}
        return self.task.observe(self.state), np.arange(self.num_envs), final, totals

    def _merge_ended(self, done: Array) -> tuple[Array, None, Array, dict[str, Array]]:
        """Do the same for all rows at once: nobody has to know, or wait to hear, which copies are done."""
        xp = array_namespace(done)

        def choose(new: Array, old: Array) -> Array:
            mask = xp.reshape(done, (-1,) + (1,) * (old.ndim - 1))
            return xp.where(mask, new if new.dtype == old.dtype else xp.astype(new, old.dtype), old)

        final = self.task.observe(self.state)
        totals = {**self._totals, "length": self._elapsed - self._head_start}
        fresh = self.task.initial_state(self._reset_noise())
        observation = choose(self.task.observe(fresh), final)
        self.state = tree_map(choose, fresh, self.state)
        running = ~done
        self._elapsed = self._elapsed * running
        self._head_start = self._head_start * running
        self._totals = {
            name: xp.where(done, xp.zeros_like(total), total) for name, total in self._totals.items()
        }
        return observation, None, final, totals
