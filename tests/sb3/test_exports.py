"""`sb3_ecom.sb3` exports lazily, and what it exports can be pickled by its dotted name."""

import pickle
import subprocess
import sys

import pytest

import sb3_ecom.sb3


def test_the_package_alone_imports_no_torch():
    code = "import sys, sb3_ecom.sb3; assert 'torch' not in sys.modules and 'LstmPolicy' in dir(sb3_ecom.sb3)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", sb3_ecom.sb3.__all__)
def test_an_export_is_found_again_by_pickle(name):
    found = getattr(sb3_ecom.sb3, name)
    assert pickle.loads(pickle.dumps(found)) is found


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'LstmARSPolicy'"):
        sb3_ecom.sb3.LstmARSPolicy  # noqa: B018
