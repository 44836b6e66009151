"""A preset that was cut off or changed by hand does not pass for what was written."""

import hashlib
import json
import re
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from sb3_ecom.__main__ import main
from sb3_ecom.core.preset_text import hash_content, sign_text
from sb3_ecom.core.presets import read_content
from sb3_ecom.envs.advertising.pacing import presets as markets
from sb3_ecom.envs.inventory.shop import presets as shops
from sb3_ecom.envs.recommendation.session import presets as sessions
from tests.envs.recommendation.small_shop import small_params

RECORDED = json.loads((Path(__file__).parents[1] / "recorded" / "preset_values.json").read_text())
ROOMS = {name: room for room in (markets, shops, sessions) for name in room.SCHEMA.names()}
WHOLE = ("exchange3", "online_retail_uk", "eshop")  # one of each domain, without a base


SMALL = sessions.format_preset(small_params(n=5, d=2), {"log": "made up"}, {"bounce": 0.1})


def text_of(name, small=False):
    if name == "eshop" and small:  # as many lines as five items need
        return SMALL
    return ROOMS[name].SCHEMA.path(name).read_text(encoding="utf-8")


def unsigned(name):
    return re.sub(r"(?m)^(schema|sha256) = .*\n", "", text_of(name, small=True))


def plain(value):
    """Nested values as texts of ten significant digits."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str) else f"{value:.10g}"


@pytest.fixture
def load(tmp_path):
    def call(name, text):
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return ROOMS[name].load_preset(str(path))

    return call


@pytest.mark.parametrize("name", ROOMS)
def test_a_shipped_preset_states_schema_and_hash_and_kept_its_values(name):
    content = tomllib.loads(text_of(name))
    assert content["schema"] == 1
    assert content["sha256"] == hash_content(content)
    found = json.dumps(plain(asdict(ROOMS[name].load_preset(name))), sort_keys=True)
    assert hashlib.sha256(found.encode()).hexdigest() == RECORDED[name]


@pytest.mark.parametrize("name", [*WHOLE, "delayed", "newcampaign"])
def test_a_preset_cut_off_at_any_line_is_an_error(name, load):
    lines = text_of(name, small=True).splitlines(keepends=True)
    for count in range(len(lines)):
        with pytest.raises(ValueError, match=r"mine\.toml: "):
            load(name, "".join(lines[:count]))


@pytest.mark.parametrize("name", WHOLE)
def test_a_preset_cut_off_within_a_line_is_an_error(name, load):
    text = text_of(name, small=True).rstrip()
    for end in range(1, len(text), len(text) // 50):
        with pytest.raises(ValueError, match=r"mine\.toml: "):
            load(name, text[:end])


@pytest.mark.parametrize("name", WHOLE)
def test_a_preset_without_a_hash_cut_off_at_any_line_is_an_error(name, load):
    lines = unsigned(name).splitlines(keepends=True)
    end = len(lines)
    if name == "online_retail_uk":  # its last section is free to be absent
        end = next(k for k, line in enumerate(lines) if line.startswith("[standard_errors]")) - 1
    for count in range(end):
        with pytest.raises(ValueError, match=r"mine\.toml: "):
            load(name, "".join(lines[:count]))


def change(text):
    """Put one more digit behind the first number with a point of the last sections."""
    at = re.search(r"(?m)^\[(params|demand|fitted)\]", text).start()
    return text[:at] + re.sub(r"(?m)^(\w+ = \[?-?\d+\.\d+)", r"\g<1>1", text[at:], count=1)


@pytest.mark.parametrize("name", ROOMS)
def test_a_changed_preset_names_both_hashes_and_can_be_signed_or_stripped(name, tmp_path, load, capsys):
    text = change(text_of(name))
    path = tmp_path / "mine.toml"
    with pytest.raises(ValueError, match="the content does not match its hash") as error:
        load(name, text)
    content = tomllib.loads(text)
    for digest in (content["sha256"], hash_content(content)):
        assert digest[:12] in str(error.value)
    assert f"python -m sb3_ecom preset sign {path}" in str(error.value)
    assert main(["preset", "sign", str(path)]) == 0
    assert capsys.readouterr().out == f"signed {path}\n"
    signed = ROOMS[name].load_preset(str(path))
    assert path.read_text(encoding="utf-8").replace(hash_content(content), content["sha256"]) == text
    stripped = load(name, re.sub(r"(?m)^sha256 = .*\n", "", text))
    assert plain(asdict(signed)) == plain(asdict(stripped))


def test_comments_and_layout_may_change(load):
    text = text_of("exchange3").replace("  # assumed", "").replace(" = ", "   =  ")
    assert load("exchange3", text) == markets.load_preset("exchange3")


def required(name):
    room = ROOMS[name]
    content = read_content(room.SCHEMA, room.SCHEMA.path(name))
    return [
        (name, section, key)
        for section, rules in room.SCHEMA.sections.items()
        for key in rules.keys
        if key in content.get(section, {}) and (section, key) != ("catalogue", "start")
    ]


@pytest.mark.parametrize(("name", "section", "key"), [case for name in WHOLE for case in required(name)])
def test_a_missing_key_is_an_error_that_names_it(name, section, key, load):
    text = re.sub(rf"(?ms)^{key} = (\[\n.*?^\]|[^\n]*)\n", "", unsigned(name), count=1)
    with pytest.raises(ValueError, match=rf"\[{section}\].* missing: {key}[;( ].*base = "):
        load(name, text)


@pytest.mark.parametrize("name", WHOLE)
def test_an_unknown_key_or_a_newer_schema_is_an_error_that_names_it(name, load):
    section = {"exchange3": "params", "online_retail_uk": "demand", "eshop": "assumed"}[name]
    with pytest.raises(ValueError, match=rf"\[{section}\] must hold .* unknown: speed"):
        load(name, unsigned(name).replace(f"[{section}]", f"[{section}]\nspeed = 1"))
    for version in ("2", "0", "'1'"):
        with pytest.raises(ValueError, match=r"schema must be in \[1, 1\], got"):
            load(name, f"schema = {version}\n{unsigned(name)}")
    with pytest.raises(ValueError, match="speed must stand in a section"):
        load(name, f"speed = 2\n{unsigned(name)}")


def test_signing_twice_changes_nothing_and_keeps_what_the_file_says():
    for name in ROOMS:
        text = text_of(name)
        assert sign_text(text) == text
        assert sign_text(sign_text(unsigned(name))) == sign_text(unsigned(name))


@pytest.mark.parametrize("text", ["", "base = 'plain'", "# mine\n\n\n[params]\nticks = 3", "[params]\n"])
def test_any_toml_can_be_signed(text):
    signed = tomllib.loads(sign_text(text))
    assert signed.pop("sha256") == hash_content({"schema": 1, **tomllib.loads(text)})
    assert signed.pop("schema") == 1
    assert signed == tomllib.loads(text)


def test_signing_says_what_is_wrong_with_a_file(tmp_path, capsys):
    path = tmp_path / "mine.toml"
    for content in (b"[params", b"\xff", b"[params]\nticks = 1\nticks = 2"):
        path.write_bytes(content)
        assert main(["preset", "sign", str(path)]) == 2
        assert str(path) in capsys.readouterr().err
        assert path.read_bytes() == content
    assert main(["preset", "sign", str(tmp_path / "none.toml")]) == 2
