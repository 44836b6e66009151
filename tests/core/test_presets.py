"""One loader and one writer of presets: values survive, mistakes name file and field."""

import dataclasses
import tomllib
from dataclasses import dataclass

import numpy as np
import pytest

from sb3_ecom.core.files import write_whole
from sb3_ecom.core.preset_text import format_preset, rounded
from sb3_ecom.core.presets import FREE, Schema, Section, fields_of, load_preset
from sb3_ecom.envs.advertising.pacing import presets as markets
from sb3_ecom.envs.inventory.shop import presets as shops
from sb3_ecom.envs.recommendation.session import presets as sessions


@dataclass(frozen=True)
class Params:
    rate: float = 0.5
    days: int = 3
    levels: tuple[float, ...] = (1.0, 2.0)
    law: str = "poisson"

    def __post_init__(self):
        if self.days < 1:
            raise ValueError(f"days must be >= 1, got {self.days}")


@pytest.fixture
def schema(tmp_path):
    keys = fields_of(Params)
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "plain.toml").write_text('[params]\nrate = 0.25\ndays = 7\nlevels = [1, 2.5]\nlaw = "normal"\n')
    sections = {
        "source": FREE,
        "params": Section(keys=keys, optional=frozenset({"law"})),
        "items": Section(keys={"ids": "labels", "table": "matrix"}, needed=False),
    }
    return Schema(folder=folder, sections=sections, former={"old_rate": "rate"})


def load(schema, preset):
    return load_preset(schema, preset, lambda content: Params(**content["params"]))


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


def test_a_file_holds_what_differs_from_its_base(schema, tmp_path):
    assert load(schema, "plain") == Params(0.25, 7, (1, 2.5), "normal")
    path = written(tmp_path, 'base = "plain"\n[params]\ndays = 2\n')
    assert load(schema, path) == Params(0.25, 2, (1, 2.5), "normal")


GOOD = "[params]\nrate = 0.5\ndays = 1\nlevels = [1.0]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[params\n", "Expected"),
        ("", r"section \[params\] must be there, got nothing"),
        (GOOD + "[extra]\n", r"section \[extra\] must be one of source, params, items"),
        ("rate = 1\n", "rate must stand in a section"),
        (GOOD + "speed = 1\n", r"\[params\] must hold rate, .*; missing: none; unknown: speed"),
        ("[params]\nrate = 0.5\n", r"\[params\] must hold .*; missing: days, levels; unknown: none"),
        (GOOD.replace("0.5", "true"), r"\[params\] rate must be a finite number, got True"),
        (GOOD.replace("0.5", "nan"), r"\[params\] rate must be a finite number, got nan"),
        (GOOD.replace("0.5", "'1'"), r"\[params\] rate must be a finite number, got '1'"),
        (GOOD.replace("[1.0]", "[1.0, inf]"), r"\[params\] levels must be a list of finite numbers, got inf"),
        (GOOD.replace("[1.0]", "1.0"), r"\[params\] levels must be a list of finite numbers, got 1.0"),
        (GOOD + "law = 1\n", r"\[params\] law must be text, got 1"),
        (
            GOOD + "[items]\nids = ['a', 1.5]\ntable = []\n",
            r"\[items\] ids must be a list of texts.*1.5",
        ),
        (GOOD + "[items]\nids = []\ntable = [[1], ['a']]\n", r"\[items\] table must be a list of rows.*'a'"),
        (GOOD.replace("days = 1", "days = 0"), "days must be >= 1, got 0"),
        (
            "base = 'nowhere'\n" + GOOD,
            "preset must be one of plain or the path.*got 'nowhere'",
        ),
        ("base = 3\n" + GOOD, "base must be the name of a preset or a path, got 3"),
    ],
)
def test_a_mistake_names_the_file_and_the_field(schema, tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=message) as error:
        load(schema, path)
    assert str(path) in str(error.value)


def test_a_base_must_not_lead_back_and_an_unknown_preset_is_named(schema, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(f"base = '{path}'\n{GOOD}")
    with pytest.raises(ValueError, match="base must not lead back"):
        load(schema, path)
    with pytest.raises(ValueError, match=r"preset must be one of plain or .*'other'"):
        load(schema, "other")


def test_former_names_are_read_with_a_warning(schema, tmp_path):
    path = written(tmp_path, GOOD.replace("rate", "old_rate"))
    with pytest.warns(DeprecationWarning, match="old_rate is now called rate"):
        assert load(schema, path).rate == 0.5


def test_what_is_written_reads_back_the_same(tmp_path):
    content = {
        "source": {
            'a log\'s "name"\n[params]': "x = 1 # \\ é水\n",
            "columns": {"price each": "p", "none": ""},
        },
        "params": {
            "rate": 0.1,
            "days": 3,
            "levels": np.asarray([1.5, -0.25]),
            "none": [],
            "texts": ["a, b", "]"],
        },
        "items": {"table": [[0.1, 2.0], [-0.0, 1e-9]]},
    }
    text = format_preset(content, "mine\nrate = 9", {"params": "a\nb", ("params", "rate"): "s.e. 1\nx = 2"})
    again = tomllib.loads(text)
    assert again["source"] == content["source"]
    assert again["params"] == content["params"] | {"levels": [1.5, -0.25]}
    assert again["items"] == content["items"]
    assert "table = [\n  [0.1, 2.0],\n  [-0.0, 1e-09],\n]" in text
    assert "levels = [1.5, -0.25]" in text
    path = tmp_path / "mine.toml"
    write_whole(path, text.encode())
    assert tomllib.loads(path.read_text()) == again


def test_numbers_are_rounded_to_significant_digits_and_whole_ones_kept():
    assert rounded([0.123456, 123456.0, 123456, 1.0], 3) == [0.123, 123456.0, 123456, 1.0]
    assert rounded(np.asarray([[1.23456]]), 2) == [[1.2]]


@pytest.mark.parametrize("name", markets.SCHEMA.names())
def test_every_shipped_market_survives_the_writer(name, tmp_path):
    market = markets.load_preset(name)
    path = tmp_path / "again.toml"
    path.write_text(format_preset({"params": dataclasses.asdict(market)}, "again"))
    assert markets.load_preset(path) == market


def test_the_shipped_shops_survive_the_writer():
    for schema, text in (
        (
            shops.SCHEMA,
            lambda raw: shops.format_preset(
                shops.load_preset("online_retail_uk"), raw["standard_errors"], raw["source"]
            ),
        ),
        (
            sessions.SCHEMA,
            lambda raw: sessions.format_preset(
                sessions.load_preset("eshop"), raw["source"], raw["standard_errors"]
            ),
        ),
    ):
        for name in schema.names():
            raw = tomllib.loads(schema.path(name).read_text(encoding="utf-8"))
            assert tomllib.loads(text(raw)) == raw
