"""A small session-like task for the tests: a hidden taste that only the history of clicks betrays.

Importing this module registers nothing; `register_toys()` does, and so does importing `tests.toy_ids`
(for `--gym-packages`).
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from gymnasium import spaces

import sb3_ecom
from sb3_ecom.core.arrays import array_namespace
from sb3_ecom.core.references import Reference, References
from sb3_ecom.core.registry import Oracle, Spec
from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.core.task import Metric, Task, check_reward_weights
from sb3_ecom.core.tracker import TaskTables

ITEMS = 5  # on a line from -1 to 1
LAYOUT = Layout(context=2, steps=4, features=3)  # page, last click | validity, position, clicked


class Event(NamedTuple):
    """What the shop sees of a page; at first a landing without a click."""

    clicked: np.ndarray  # (n,) 0 or 1


class Tracked(NamedTuple):
    page: np.ndarray  # (n,) pages seen
    history: np.ndarray  # (n, steps, features)


class Decision(NamedTuple):
    offer: np.ndarray  # (n, K) positions
    slate: np.ndarray  # (n, K) item ids
    moved: np.ndarray  # (n,) distance of the offer from the previous one


class Noise(NamedTuple):
    click: np.ndarray  # (n,) U[0, 1)
    leave: np.ndarray  # (n,) U[0, 1)


class Outcome(NamedTuple):
    clicked: np.ndarray  # (n,) 0 or 1
    moved: np.ndarray  # (n,) distance of the offer from the previous one
    slate: np.ndarray  # (n, K) item ids shown
    left: np.ndarray  # (n,) bool


class ToyTracker:
    """Positions offered and what was clicked; the public tables are the items' positions."""

    def __init__(self, kind, horizon):
        self.kind, self.horizon = kind, horizon

    def open(self, event, tables):
        xp = array_namespace(event.clicked)
        blank = xp.zeros((event.clicked.shape[0], LAYOUT.steps, LAYOUT.features), dtype=xp.float32)
        return Tracked(xp.zeros_like(event.clicked), blank)

    def decode(self, tracked, action, tables):
        xp = array_namespace(tracked.page)
        if self.kind == "box":
            offer = action[:, :1] * 1.0
            slate = xp.argmin(xp.abs(offer - tables[None, :]), axis=-1)[:, None]
        else:
            slate = action[:, None] if self.kind == "discrete" else action
            offer = tables[slate]
        return Decision(offer, slate, xp.abs(offer[:, 0] - tracked.history[:, -1, 1]))

    def note(self, tracked, decision, event, tables):
        xp = array_namespace(tracked.page)
        first = decision.offer[:, 0]
        row = xp.stack([xp.ones_like(first), first, event.clicked], axis=-1)[:, None, :]
        return Tracked(tracked.page + 1.0, xp.concat([tracked.history[:, 1:], row], axis=1))

    def observe(self, tracked, tables):
        xp = array_namespace(tracked.page)
        context = xp.stack([tracked.page / self.horizon, tracked.history[:, -1, 2]], axis=-1)
        return xp.concat([context, xp.reshape(tracked.history, (tracked.page.shape[0], -1))], axis=1)


class ToyTask(Task):
    """Offer a position on a line; a click is likely near the visitor's hidden taste.

    Observation: pages seen and last click, then four events of (validity, position, clicked).
    Action: a position in [-1, 1], or one or two of five items on the line.
    Reward: 1 for a click, minus a tenth of the distance to the previous offer.
    Episode: the visitor leaves sooner without a click; at most `horizon` pages.
    Source: made up for the tests.
    Versions: v0.
    """

    metrics = (
        Metric("ctr", "clicks", "pages"),
        Metric("clicks_per_session", "clicks"),
        Metric("session_length", "length"),
    )
    step_info_keys = ("slate",)

    def __init__(self, action="box", horizon=8, reward_weights=None, patience=0.8):
        if not 0 < patience <= 1:
            raise ValueError(f"patience must be in (0, 1], got {patience}")
        self.kind = action
        self.action_space = {
            "box": lambda: spaces.Box(-1.0, 1.0, (2,), np.float32),
            "discrete": lambda: spaces.Discrete(ITEMS),
            "multidiscrete": lambda: spaces.MultiDiscrete([ITEMS, ITEMS]),
        }[action]()
        self.observation_space = LayoutBox(LAYOUT, -2.0, 2.0)
        self.horizon = horizon
        self.patience = patience
        weights = {"clicks": 1.0, "movement": 0.1} if reward_weights is None else reward_weights
        self.reward_weights = check_reward_weights(weights, ("clicks", "movement"))
        self.tracker = ToyTracker(action, horizon)
        self.tables = TaskTables(None, np.linspace(-1.0, 1.0, ITEMS, dtype=np.float32))

    def draw_reset(self, source, n):
        return source.uniform((n,))

    def draw_step(self, source, n):
        return Noise(source.uniform((n,)), source.uniform((n,)))

    def start(self, noise):
        xp = array_namespace(noise)
        return noise * 2.0 - 1.0, Event(xp.zeros_like(noise))

    def simulate(self, hidden, decision, noise):
        xp = array_namespace(hidden)
        miss = decision.offer - hidden[:, None]
        chance = xp.max(0.9 * xp.exp(-4.0 * miss * miss), axis=-1)
        clicked = xp.where(noise.click < chance, xp.ones_like(chance), xp.zeros_like(chance))
        leave = (1.0 - self.patience) * (1.5 - clicked)
        return hidden + 0.0, Outcome(clicked, decision.moved, decision.slate, noise.leave < leave)

    def public_event(self, hidden, outcome):
        return Event(outcome.clicked)

    def terms(self, outcome):
        return {"clicks": outcome.clicked, "movement": -outcome.moved}

    def terminated(self, outcome):
        return outcome.left

    def counters(self, outcome, terms):
        return {"clicks": outcome.clicked, "pages": outcome.clicked * 0.0 + 1.0}

    def step_info(self, outcome):
        return {"slate": outcome.slate}

    def render(self, state, outcome, row, mode):
        if mode == "ansi":
            page, taste = int(state.tracked.page[row]), float(state.hidden[row])
            return f"page {page}\ntaste {taste:.2f}\nhorizon {self.horizon}"
        picture = np.full((480, 640, 3), 255, dtype=np.uint8)
        picture[:, : int(320 * (1 + float(state.hidden[row])))] = 128
        return picture


#: action -> random and informed return of `sb3_ecom.evaluate(id, policy, episodes=20000)`
MEASURED = {"box": (1.08, 4.75), "discrete": (0.85, 4.20), "multidiscrete": (1.66, 4.20)}


def _reference(policy, value):
    command = f"python -m sb3_ecom evaluate EcomToy-v0 --baseline {policy} --episodes 20000"
    return Reference(value=value, stderr=0.02, command=command)


def _informed(loop):
    """Privileged: offer the hidden taste."""
    if loop.task.kind == "box":
        return lambda obs: np.stack([loop.state.hidden, loop.state.hidden * 0.0], -1)
    ids = lambda: np.rint((loop.state.hidden + 1.0) * 2.0).astype(np.int64)  # noqa: E731
    return lambda obs: ids() if loop.task.kind == "discrete" else np.stack([ids(), ids()], -1)


def _middle(task):
    """Baseline: always the middle."""
    actions = {
        "box": lambda n: np.zeros((n, 2), np.float32),
        "discrete": lambda n: np.full(n, 2),
        "multidiscrete": lambda n: np.full((n, 2), 2),
    }
    return lambda obs: actions[task.kind](len(obs))


def toy_spec(env_id, action):
    """The Spec of a toy id."""
    random, informed = MEASURED[action]
    return Spec(
        id=env_id,
        summary="toy",
        make_task=partial(ToyTask, action=action),
        references=References(
            random=_reference("random", random), best_known=_reference("informed", informed)
        ),
        best_known_kind="best-known",
        oracle=lambda **kwargs: Oracle(
            kind="best-known", value=informed, stderr=0.02, information="the hidden taste", policy=_informed
        ),
        baselines={"middle": _middle},
        privileged={"informed": _informed},
    )


TOYS = {
    "EcomToy-v0": "box",
    "EcomToyDiscrete-v0": "discrete",
    "EcomToyMultiDiscrete-v0": "multidiscrete",
}


def register_toys():
    """Register every toy id (a second call changes nothing)."""
    for env_id, action in TOYS.items():
        if env_id not in sb3_ecom.specs():
            sb3_ecom.register(toy_spec(env_id, action))
