"""Sphinx configuration: pages of environments and results are generated before every build."""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(DOCS / "_ext"), str(ROOT)]

from environments import our_specs, write_pages  # noqa: E402
from pictures import write_pictures  # noqa: E402
from reference import write_reference  # noqa: E402
from results import write_results  # noqa: E402
from three import write_three  # noqa: E402

import sb3_ecom  # noqa: E402

project = "sb3_ecom"
author = "the sb3_ecom founders"
release = version = sb3_ecom.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = True
exclude_patterns = ["_build", "_ext", "tutorials/README.rst"]
suppress_warnings = ["myst.xref_missing", "config.cache"]
html_theme = "furo"
html_title = "sb3_ecom"
html_show_copyright = False
html_static_path = ["_static", "_generated/small"]
html_css_files = ["gallery.css"]
html_extra_path: list[str] = []
sphinx_gallery_conf = {
    "examples_dirs": "tutorials",
    "gallery_dirs": "generated_tutorials",
    "within_subsection_order": "FileNameSortKey",
    "filename_pattern": r"/\d\d_",
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "min_reported_time": 1,
    "abort_on_example_error": True,
}


def _generate() -> None:
    pictures = DOCS / "_generated"
    (pictures / "small").mkdir(parents=True, exist_ok=True)
    for entry in our_specs():
        write_pictures(entry, pictures)
    write_three(DOCS / "_static" / "three.gif")
    write_pages(DOCS / "environments")
    write_results(DOCS / "results", ROOT / "benchmarks" / "results")
    write_reference(DOCS / "reference")


_generate()
