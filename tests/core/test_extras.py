import pytest

from sb3_ecom.core.extras import import_extra


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ImportError('built for another NumPy')", r"ImportError: built for another NumPy"),
        ("raise RuntimeError('bad build')", r"RuntimeError: bad build"),
        ("import nobody_has_this", r"ModuleNotFoundError: No module named 'nobody_has_this'"),
    ],
)
def test_a_broken_package_is_told_from_a_missing_one(body, message, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match=r"a study needs faulty: pip install 'sb3-ecom\[explain\]'"):
        import_extra("faulty.part", "explain", "a study")
    (tmp_path / "faulty").mkdir()
    (tmp_path / "faulty" / "__init__.py").write_text(body)
    with pytest.raises(ImportError, match=rf"faulty, which is installed but does not import \({message}"):
        import_extra("faulty.part", "explain", "a study")


def test_a_package_that_works_is_imported():
    assert import_extra("json.decoder", "explain", "a study").JSONDecodeError
