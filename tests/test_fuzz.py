"""No argument, action, preset or log, however hostile, gives a raw error, a NaN or an hour of computing.

What is no sensible value is refused by one ValueError that names the parameter and the value; what is taken
gives an environment whose observations lie in their space. The quick half runs with every test; the long one
(`pytest -m slow tests/test_fuzz.py`) draws 20,000 examples and more.
"""

import bisect
import contextlib
import dataclasses
import functools
import math
import re
import tempfile
import time
import zlib
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import sb3_ecom
from sb3_ecom import wrappers
from sb3_ecom.core.registry import known_arguments, make_task
from sb3_ecom.core.single_env import EcomEnv
from sb3_ecom.core.vector_env import EcomVectorEnv

IDS = sorted(env_id for env_id in sb3_ecom.specs() if not env_id.startswith("EcomToy"))  # of tests
every_id = pytest.mark.parametrize("env_id", IDS)
SECONDS = 120.0  # a build and a few steps, on a busy machine
MEMORY = 4 << 30  # bytes beyond what the tests hold


def examples(most):
    """Settings under which the same examples are drawn in every run."""
    checks = list(HealthCheck)
    return settings(
        max_examples=most, derandomize=True, deadline=None, database=None, suppress_health_check=checks
    )


QUICK, LONG = examples(20), examples(900)

FLOATS = (math.nan, math.inf, -math.inf, -1e300, -1e6, -1.0, -1e-17, -0.0, 1e-300, 1e-17, 1e-9, 1e-3, 0.5)
FLOATS += (1.0 - 1e-16, 1.5, 5.0, 7.3, 1e3, 1e6, 1e9, 1e15, 1e17, 1e38, 1e40, 1e300)
INTS = (-(10**30), -(2**63), -1, 0, 1, 2, 3, 10, 100, 10**4, 10**5, 10**7, 10**12, 2**63, 10**30, 10**400)
INTS += (10**5000,)  # more digits than Python turns into text
NUMPY = (np.float64(math.nan), np.float32(1), np.int64(3), np.int8(5), np.bool_(True), np.array(1.0))
NUMPY += (np.array([1, 2, 3]), np.zeros((2, 2)), np.array(["a"]), np.array([None]), np.zeros(0))


class Rude:
    """An object whose every answer is an error."""

    def __repr__(self):
        raise RuntimeError("no")

    __array__ = __len__ = __iter__ = __float__ = __eq__ = __repr__
    __hash__ = object.__hash__


OBJECTS = (True, False, None, "", "x", "nan", "1", b"1", "a\0b", "x" * 10_000, "\ud800", object(), Rude(), 1j)
OBJECTS += ([], (), {}, set(), {1}, {"a": 1}, [None], ["a"], [[1]], [[1], [1, 2]], range(3), iter(()), int)
OBJECTS += (range(10**9), math.nan, ".", "/", "/proc/self/mem", "a" * 300)
SEQUENCES = tuple(
    [value] * length
    for length in (1, 2, 3, 4, 6, 7, 24, 500)
    for value in (0, 1, 1 / length, math.nan, -1, 1e-300, 1e300, 10**30)
)
HOSTILE = st.one_of(
    st.sampled_from(FLOATS + INTS),
    st.sampled_from(NUMPY + OBJECTS + SEQUENCES),
    st.floats(),
    st.integers(),
    st.text(max_size=8),
    st.lists(st.floats(), max_size=8),
)


def search(how, attempt_one, fixed):
    """Try many examples, others for every fixed argument."""

    @seed(zlib.crc32(f"{attempt_one.__name__} {fixed}".encode()))
    @how
    @given(st.data())
    def run(data):
        attempt_one(fixed, data)

    run()


class TooLongError(Exception):
    """What was tried takes too long."""


@contextlib.contextmanager
def frugal():
    """Give whatever runs within a few seconds and gigabytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
    began = time.monotonic()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    if time.monotonic() - began > SECONDS:
        raise TooLongError


def refused(error, names, file=False):
    """Check that a refusal names one of the parameters, and the value; or the file."""
    message = str(error)
    assert type(error) is ValueError, repr(error)
    assert any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) for name in names), message
    assert file or re.search(r"\b(got|unknown|no reward term)\b", message), message
    assert len(message) < 2000


def play(task, steps=6):
    """Take a few extreme and random steps; every observation lies in its space."""
    env = EcomEnv(task)
    env.action_space.seed(0)
    observation, _ = env.reset(seed=0)
    for step in range(steps + 1):
        assert np.isfinite(observation).all()
        assert env.observation_space.contains(observation), (observation.dtype, np.abs(observation).max())
        if step == steps:
            break
        space = env.action_space
        action = space.sample()
        if isinstance(space, gym.spaces.Box) and step in (0, 1, 3):
            action = space.low if step == 0 else space.high
        observation, reward, terminated, truncated, info = env.step(action)
        assert math.isfinite(reward)
        assert all(math.isfinite(term) for term in info["reward_terms"].values())
        if terminated or truncated:
            assert env.observation_space.contains(observation)
            observation, _ = env.reset()


def attempt(env_id, /, **kwargs):
    """Make a task and play it; return whether it was made."""
    with frugal():
        try:
            task = make_task(env_id, **kwargs)
        except ValueError as error:
            refused(error, kwargs)
            return False
        play(task)
        return True


@functools.cache
def arguments(env_id):
    return [*known_arguments(sb3_ecom.spec(env_id)), "max_episode_steps"]


# One argument, whatever it is.


def try_one(env_id, data):
    name = data.draw(st.sampled_from(arguments(env_id)), label="name")
    attempt(env_id, **{name: data.draw(HOSTILE, label="value")})


@every_id
def test_a_hostile_argument_is_refused_by_name_or_harmless(env_id):
    search(QUICK, try_one, env_id)


@pytest.mark.slow
@every_id
def test_many_hostile_arguments_are_refused_by_name_or_harmless(env_id):
    search(LONG, try_one, env_id)


FOUND = (
    ("EcomAds-v0", {"preset": 0.5}),  # TypeError
    ("EcomAds-v0", {"traffic_day_sd": 5.0}),  # 24 GiB
    ("EcomAds-v0", {"price_day_sd": 1e300}),  # OverflowError
    ("EcomAds-v0", {"quality_regime": 100}),  # NaN observation
    ("EcomAds-v0", {"ticks": 10**7}),  # minutes
    ("EcomAdsAuto-v0", {"bids": np.array([1, 2, 3])}),  # NumPy's own message
    ("EcomAdsAuto-v0", {"conversion_rate": 1e-300}),  # NaN observation
    ("EcomAdsChannel-v0", {"peak_height": 10**12}),  # observation out of its space
    ("EcomAdsChannel-v0", {"noise_sd": 1e300}),  # NaN reward
    ("EcomInventory-v0", {"demand": "poisson"}),  # given twice
    ("EcomInventory-v0", {"preset": "1" * 300}),  # OSError
    ("EcomRec-v0", {"catalogue": 1}),  # AttributeError
    ("EcomRecBored-v0", {"items": 10**7}),  # minutes
    ("EcomRecOrganic-v0", {"products": 10**5}),  # 75 GiB
    ("EcomRecRetain-v0", {"regret": 1e300}),  # NaN observation
    ("EcomRecCold-v0", {"reward_weights": [1]}),  # AttributeError
)


@pytest.mark.parametrize(("env_id", "kwargs"), FOUND)
def test_what_was_once_answered_by_a_raw_error_is_refused_by_name(env_id, kwargs):
    assert not attempt(env_id, **kwargs)


@pytest.mark.parametrize("name", ["slate_size", "horizon", "candidates"])
def test_a_whole_number_of_another_kind_is_taken_as_one(name):
    for value in (5.0, np.int64(5), np.float32(5)):
        assert attempt("EcomRecEvolution-v0", **{name: value})


# Several arguments, each at the edge of what is allowed.

GRID = sorted(
    {0.0, 0.3, 0.9, 0.99, 0.999, *(sign * size * 10.0**power for power in range(-9, 13) for sign in (1, -1)
                                  for size in (1, 2, 5, 9.99))}
)  # fmt: skip


def parameter_sets(env_id):
    """The dataclasses that hold the numbers of a task."""
    task = sb3_ecom.spec(env_id).make_task()
    return [getattr(task, name) for name in ("params", "large") if hasattr(task, name)]


def numbers_in(params):
    """Fields of a parameter dataclass that hold numbers: name -> how to make its value of one number."""
    found = {}
    for field in dataclasses.fields(params):
        kind, value = str(field.type), getattr(params, field.name)
        whole = "int" in kind
        if kind.startswith(("int", "float")):
            found[field.name] = int if whole else float
        elif kind.startswith("tuple["):
            found[field.name] = functools.partial(_repeat, int if whole else float, len(value))
    return found


def _repeat(kind, length, number):
    return (kind(number),) * length


@functools.cache
def allowed(env_id):
    """What each argument may be alone, on a grid: the three least, the three greatest and the middle."""
    found = {}
    for params in parameter_sets(env_id):
        for name, make in numbers_in(params).items():
            values = []
            most = 1e5 if name == "catalogue_size" else math.inf  # a larger one takes its minute, as it says
            for number in GRID[: bisect.bisect_right(GRID, most)]:
                with contextlib.suppress(ValueError):
                    dataclasses.replace(params, **{name: make(number)})
                    values.append(make(number))
            if values and name in arguments(env_id):
                found[name] = list(dict.fromkeys([*values[:3], values[len(values) // 2], *values[-3:]]))
    return found


def try_several(env_id, data):
    edges = allowed(env_id)
    names = data.draw(st.lists(st.sampled_from(sorted(edges)), min_size=2, max_size=6, unique=True))
    attempt(env_id, **{name: data.draw(st.sampled_from(edges[name]), label=name) for name in names})


@every_id
def test_arguments_at_the_edge_of_their_bounds_play_together(env_id):
    search(QUICK, try_several, env_id)


@pytest.mark.slow
@every_id
def test_many_arguments_at_the_edge_of_their_bounds_play_together(env_id):
    search(LONG, try_several, env_id)


@every_id
def test_every_number_has_two_finite_bounds(env_id):
    for params in parameter_sets(env_id):
        for name, make in numbers_in(params).items():
            for number in (1e300, -1e300):
                with pytest.raises(ValueError, match=rf"\b{name}\b.*got"):
                    dataclasses.replace(params, **{name: make(number)})


# Actions.


def bad_actions(space):
    """Actions that a space can not mean."""
    shape = space.shape or ()
    filled = (
        math.nan,
        math.inf,
        -math.inf,
        1e300,
        -1e300,
        -2,
        2**62,
        0.5 if space.dtype.kind == "i" else 1.5,
    )
    kinds = ("U4", "S4", "O", "complex64")
    yield from (np.full(shape, value) for value in filled)
    yield from (np.zeros(shape).astype(kind) for kind in kinds)
    yield np.zeros(shape, dtype="datetime64[s]")
    yield np.zeros((*shape, 2))
    yield np.zeros((2, *shape))
    yield from (None, "0", b"0", 1j, object(), Rude(), {}, [], [[]], [None], [[1], [1, 2]], set(), 10**30)


@every_id
@pytest.mark.parametrize("many", [False, True])
def test_a_bad_action_is_refused_and_changes_nothing(env_id, many):
    task = make_task(env_id)
    make = functools.partial(EcomVectorEnv, num_envs=3) if many else EcomEnv
    env, twin = make(task), make(task)
    for one in (env, twin):
        one.reset(seed=1)
    env.action_space.seed(1)
    for bad in bad_actions(env.action_space):
        with pytest.raises(ValueError, match=r"action .*got"):
            env.step(bad)
        action = env.action_space.sample()
        found, expected = env.step(action), twin.step(action)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
        if not many and (found[2] or found[3]):
            env.reset(), twin.reset()


@pytest.mark.parametrize("number", [math.nan, math.inf, 0, -1, 1.5, "2", None, [2], 10**30, True])
def test_a_hostile_number_of_copies_is_refused_by_name(number):
    with pytest.raises(ValueError, match=r"num_envs must be a whole number.*got"):
        EcomVectorEnv(make_task("EcomAds-v0"), number)


@pytest.mark.parametrize("seed", [math.nan, math.inf, -1, 1.5, "2", [2], 1j, {}, object()])
@pytest.mark.parametrize("make", [EcomEnv, EcomVectorEnv])
def test_a_hostile_seed_is_refused_by_name(make, seed):
    with pytest.raises(ValueError, match=r"(?i)seed.*got"):
        make(make_task("EcomAds-v0")).reset(seed=seed)


@pytest.mark.parametrize("mode", ["x", 1, [], {}, object(), math.nan])
def test_a_hostile_render_mode_is_refused_by_name(mode):
    with pytest.raises(ValueError, match=r"render_mode.*got"):
        EcomEnv(make_task("EcomAds-v0"), render_mode=mode)


# Reward weights.


@every_id
def test_hostile_reward_weights_are_refused_by_name(env_id):
    known = next(iter(make_task(env_id).reward_weights))
    for weights in ([1], "clicks", 1, math.nan, {known: math.nan}, {known: "1"}, {known: 1e300}, {1: 1.0},
                    {known: None}, {known: [1]}, {"nobody": 1.0}, {known: 10**400}, {known: 1j}):  # fmt: skip
        assert not attempt(env_id, reward_weights=weights), weights


def test_the_demand_of_a_shop_is_not_given_twice():
    for demand in ("poisson", 1, None):
        assert not attempt("EcomInventory-v0", demand=demand)


# Reward wrappers.

RULES = {
    wrappers.ConstrainedReward: {"term": "clicks", "limit": 0.1},
    wrappers.DelayedReward: {"steps": 2},
    wrappers.PotentialShaping: {"potential": "tests.test_fuzz.nothing"},
    wrappers.PrivateFeedback: {"epsilon": 1.0},
    wrappers.RiskAdjustedReward: {},
    wrappers.DiversityBonus: {},
    wrappers.NoveltyBonus: {},
    wrappers.VectorReward: {},
    wrappers.WeightedReward: {"weights": {"clicks": 1.0}},
}


def nothing(observation):
    return observation[:, 0] * 0.0


def wrap(kind, /, **changed):
    """Make a wrapper with a hostile argument and take a few steps."""
    kwargs = RULES[kind] | changed
    if kind is wrappers.DelayedReward and "steps" not in changed:
        kwargs = changed
    with frugal():
        try:
            env = kind(EcomEnv(make_task("EcomRecSlate-v0")), **kwargs)
            env.reset(seed=0)
            rewards = []
            for step in range(3):
                _, reward, terminated, *_ = env.step(np.arange(5) + 5 * step)
                rewards.append(reward)
                if terminated:
                    env.reset()
        except ValueError as error:
            return refused(error, [*changed, "term", "info"])
        assert np.isfinite(rewards).all()


def try_wrapper(kind, data):
    names = [field.name for field in dataclasses.fields(kind.rule_type) if field.init]
    wrap(kind, **{data.draw(st.sampled_from(names)): data.draw(HOSTILE)})


@pytest.mark.parametrize("kind", RULES)
def test_a_hostile_argument_of_a_wrapper_is_refused_by_name_or_harmless(kind):
    search(examples(30), try_wrapper, kind)


@pytest.mark.parametrize("potential", [".", "a.b", "os..x", "x" * 5_000 + ".y", "os.sep", "x.\ud800"])
def test_a_potential_that_is_no_path_of_a_function_is_refused_by_name(potential):
    wrap(wrappers.PotentialShaping, potential=potential)
    with pytest.raises(ValueError, match=r"potential must be a function or its dotted path, got"):
        wrappers.PotentialShaped(potential)


@pytest.mark.parametrize("kind", [wrappers.PrivateFeedback, wrappers.ConstrainedReward])
def test_a_long_unknown_term_is_refused_in_a_short_message(kind):
    wrap(kind, term="x" * 10_000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", RULES)
def test_many_hostile_arguments_of_a_wrapper_are_refused_by_name_or_harmless(kind):
    search(LONG, try_wrapper, kind)


@pytest.mark.parametrize("epsilon", [1e-17, 1e-300, 0, -1, 701, math.nan, math.inf, "1", True, None])
def test_privacy_that_no_report_survives_is_refused(epsilon):
    with pytest.raises(ValueError, match=r"epsilon must be .*\[1e-06, 700\], got"):
        wrappers.Privatised(epsilon=epsilon)


# Presets.

SHIPPED = {
    "EcomAds-v0": "envs/advertising/pacing/presets/exchange3.toml",
    "EcomInventory-v0": "envs/inventory/shop/presets/online_retail_uk.toml",
    "EcomRec-v0": "envs/recommendation/session/presets/eshop.toml",
}
every_kind_of_file = pytest.mark.parametrize("env_id", SHIPPED)
IN_A_FILE = st.one_of(
    st.sampled_from(["nan", "-inf", "-1", "0", "0.5", "1e300", "1e-300", "1" + "0" * 30, "1" + "0" * 5000]),
    st.sampled_from(["true", '""', '"nan"', "[]", "[nan]", "[[1]]", "{}", "2020-01-01", "[1, 1.5]", "1.5"]),
    st.floats(width=32).map(lambda value: format(value).replace("e+", "e")),
    st.integers().map(str),
)


@functools.cache
def shipped(env_id):
    return (Path(sb3_ecom.__file__).parent / SHIPPED[env_id]).read_text(encoding="utf-8")


def load(env_id, content):
    """Make the task of a preset file and play it; return the refusal's message, or None."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "preset.toml"
        path.write_bytes(content)
        with frugal():
            try:
                task = make_task(env_id, preset=str(path))
            except ValueError as error:
                refused(error, [str(path)], file=True)
                return str(error)
            play(task)
    return None


def try_file(env_id, data):
    lines = shipped(env_id).splitlines()
    keys = [row for row, line in enumerate(lines) if re.match(r"\w+ = .*[^\[]$", line)]
    for row in data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=2)):
        lines[row] = lines[row].split(" = ")[0] + " = " + data.draw(IN_A_FILE)
    load(env_id, "\n".join(lines).encode())


@every_kind_of_file
def test_a_hostile_number_in_a_preset_is_refused_with_the_file_or_harmless(env_id):
    search(QUICK, try_file, env_id)


@pytest.mark.slow
@every_kind_of_file
def test_many_hostile_numbers_in_presets_are_refused_with_the_file_or_harmless(env_id):
    search(LONG, try_file, env_id)


@every_kind_of_file
def test_a_broken_preset_is_refused_with_the_file(env_id):
    whole = shipped(env_id).encode()
    broken = [b"", b"\xff\xfe", whole[: len(whole) // 2], whole + b"\xe9", b"x = " + b"[" * 5000, b"x = 1"]
    broken += [b"[params]\nx", b'base = "nowhere"', b"base = 1", b'base = ["exchange3"]', b"[base]\nx = 1"]
    for content in broken:
        assert load(env_id, content), content[:40]


@every_kind_of_file
def test_a_preset_that_leads_back_to_itself_is_refused(env_id, tmp_path):
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    for base in (first, second):
        first.write_text(f'base = "{base}"\n')
        second.write_text(f'base = "{first}"\n')
        with pytest.raises(ValueError, match=r"first\.toml: base must not lead back"):
            make_task(env_id, preset=first)
