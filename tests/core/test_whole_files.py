"""Every file is written whole or not at all: a full disk, an error or a kill leaves the old one."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from sb3_ecom.__main__ import main
from sb3_ecom.core import files
from sb3_ecom.core.tables.hashing import HashKey
from sb3_ecom.logs.table import Log, write_table

ROOT = Path(__file__).parents[2]

#: Calls that write a file by its path, unless what they are given is an open file.
WRITER = re.compile(
    r"(write_text|write_bytes|\.to_csv|\.to_parquet|savefig|np\.savez?|copyfile|copy2|json\.dump|pickle\.dump"
    r"|tomli_w\.dump|yaml\.dump|os\.replace|path\.rename|\w\.save|pq\.write_table"
    r"|open(?=\([^)]*[\"'][wax]b?[\"']))\((?!file\b|buffer\b|image\b|table, sink|\))"
)
#: File -> calls of that kind, and why they may.
ALLOWED = {
    "sb3_ecom/core/files.py": ["open", "open", "os.replace"],  # this is how
    "sb3_ecom/live/decision_log.py": ["open"],  # a journal grows by lines; half a line is skipped
    "sb3_ecom/sb3/export.py": ["copyfile", "copyfile"],  # the manifest with the files' hashes is written last
    # In a folder that is renamed when all is there.
    "benchmarks/training.py": ["open", "write_text", "write_text"],
}


def test_every_writer_of_the_package_and_the_benchmarks_writes_whole_files():
    found = {}
    for path in [*ROOT.glob("sb3_ecom/**/*.py"), *ROOT.glob("benchmarks/**/*.py")]:
        calls = sorted(match[1] for match in WRITER.finditer(path.read_text(encoding="utf-8")))
        if calls:
            found[path.relative_to(ROOT).as_posix()] = calls
    assert found == ALLOWED


def calibrate(folder):
    time = 1_704_067_200 + np.arange(240) * 3600
    columns = {"time": time, "cpm": np.random.default_rng(0).lognormal(1.0, 0.3, 240)}
    rows = "\n".join(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))
    (folder / "log.csv").write_text(f"{','.join(columns)}\n{rows}\n")
    if main(["calibrate", "advertising", str(folder / "log.csv"), "--out", str(folder / "a.toml")]):
        raise OSError


def sign(folder):
    (folder / "mine.toml").write_text("[params]\nticks = 3\n")
    if main(["preset", "sign", str(folder / "mine.toml")]):
        raise OSError


def write_log(name):
    rows = np.arange(5)
    log = Log(impression=rows, item=rows, position=rows * 0, propensity=rows * 0 + 0.5, reward=rows * 0.0)
    return lambda folder: write_table(log, folder / name)


def save_key(folder):
    HashKey(b"x" * 32, (folder / "log.hashkey",)).save()


def explain(folder):
    from sb3_ecom.sb3.explain.callback import ExplainCallback

    callback = ExplainCallback.__new__(ExplainCallback)
    callback.folder, callback._write = folder, lambda *_: None
    callback._show("tree", matplotlib.figure.Figure())


def normalize(folder):
    from sb3_ecom.sb3.device.normalize import DeviceVecNormalize
    from sb3_ecom.sb3.device.vec_env import make_device_env

    DeviceVecNormalize(make_device_env("EcomRecBored-v0", 2, seed=0, device="cpu")).save(
        str(folder / "vecnormalize.pkl")
    )


JOBS = {
    "advertising preset": (calibrate, "a.toml"),
    "advertising report": (calibrate, "a_report.md"),
    "signed preset": (sign, "mine.toml"),
    "log as csv": (write_log("log.csv"), "log.csv"),
    "log as parquet": (write_log("log.parquet"), "log.parquet"),
    "hash key": (save_key, "log.hashkey"),
    "explanation": (explain, "tree.png"),
    "statistics": (normalize, "vecnormalize.pkl"),
}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_no_part_of_a_file(job, step, tmp_path, monkeypatch):
    write, name = JOBS[job]
    write(tmp_path)
    whole = (tmp_path / name).read_bytes()
    assert whole
    if name not in ("log.hashkey", "mine.toml"):  # a key that is there is kept; a file is signed in place
        (tmp_path / name).write_bytes(b"old")
    before = (tmp_path / name).read_bytes()
    if name == "log.hashkey":
        (tmp_path / name).unlink()

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, step, fail)
    with pytest.raises((OSError, ValueError)):
        write(tmp_path)
    if name == "log.hashkey":
        assert not list(tmp_path.iterdir())
        return
    if name == "mine.toml":
        before = b"[params]\nticks = 3\n"
    assert (tmp_path / name).read_bytes() == before
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_file_that_grows_over_the_limit_of_the_system_is_named_and_not_left(tmp_path):
    resource = pytest.importorskip("resource")
    assert resource.RLIMIT_FSIZE
    calibrate(tmp_path)
    whole = len((tmp_path / "a.toml").read_bytes())
    for limit in (0, 100, whole - 1):
        for path in (tmp_path / "a.toml", tmp_path / "a_report.md"):
            path.unlink(missing_ok=True)
        code = (
            "import resource, signal, sys\n"
            "from sb3_ecom.__main__ import main\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
            f"sys.exit(main(['calibrate', 'advertising', {str(tmp_path / 'log.csv')!r}, '--out', "
            f"{str(tmp_path / 'a.toml')!r}]))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 2, done.stderr
        assert re.search(
            r"error: \[Errno \d+\] File too large: '.*/a(_report\.md|\.toml)'$", done.stderr.strip()
        )
        left = {path.name for path in tmp_path.iterdir()}
        assert left <= {"log.csv", "a_report.md"}
        assert "a_report.md" not in left or b"| s.e. |" in (tmp_path / "a_report.md").read_bytes()


def test_a_kill_while_a_file_is_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("old")
    code = (
        "import os, signal, sys, pathlib\n"
        "from sb3_ecom.core import files\n"
        "files.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.write_whole(pathlib.Path(sys.argv[1]), b'new' * 100_000)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)])
    assert done.returncode < 0
    assert path.read_text() == "old"


def test_a_link_stays_and_a_pipe_is_written_to(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    files.write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    files.write_whole(tmp_path / "pipe", b"new")
    assert os.read(reader, 9) == b"new"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_a_key_is_private_and_other_files_follow_the_umask(tmp_path):
    files.write_whole(tmp_path / "key", b"k", private=True)
    old = os.umask(0o027)
    try:
        files.write_whole(tmp_path / "report", b"r")
    finally:
        os.umask(old)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "report").stat().st_mode & 0o777 == 0o640
