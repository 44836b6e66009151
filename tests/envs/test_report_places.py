"""A report that could not be written is refused before the log is read and fitted."""

import pytest

from sb3_ecom.__main__ import main
from sb3_ecom.cli.calibrate import find_domains


@pytest.mark.parametrize("domain", find_domains())
def test_a_report_that_can_not_be_written_is_refused_first(domain, tmp_path, capsys):
    (tmp_path / "file").write_text("old")
    out = ["--out", str(tmp_path / "mine.toml")]
    place = "file" if domain == "recommendation" else "no/folder/report.md"
    # The log is absent: were it read first, that would be the error.
    command = ["calibrate", domain, str(tmp_path / "log.csv"), *out, "--report", str(tmp_path / place)]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "--report must be a folder" in error or "the folder of" in error
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
