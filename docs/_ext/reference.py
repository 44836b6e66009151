"""API reference: one page per room, with every public module of it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import sb3_ecom

ROOMS = {
    "core": "The simulation core: tasks, trackers, loops, evaluation",
    "envs": "Environments by domain and task",
    "wrappers": "Reward wrappers",
    "sb3": "Stable-Baselines3: vectorised environments, extractors, policies, callbacks, algorithms",
    "live": "Policies in a shop",
    "logs": "Logs with propensities, estimators, recommenders",
}


def write_reference(folder: Path) -> None:
    """Write an index and a page per room into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rooms = [room for room in ROOMS if importlib.util.find_spec(f"sb3_ecom.{room}") is not None]
    for room in rooms:
        (folder / f"{room}.md").write_text(_page(room), encoding="utf-8")
    names = "\n".join(rooms)
    head = "# Reference\n\nEvery public name, by room.\n\n"
    (folder / "index.md").write_text(f"{head}```{{toctree}}\n{names}\n```\n", encoding="utf-8")


def _page(room: str) -> str:
    lines = [f"# sb3_ecom.{room}", "", f"{ROOMS[room]}.", ""]
    for name in _modules(room):
        module = importlib.import_module(name)
        public = [
            each
            for each, thing in vars(module).items()
            if not each.startswith("_")
            and (inspect.isclass(thing) or inspect.isfunction(thing))
            and getattr(thing, "__module__", None) == name
        ]
        if not public:
            continue
        summary = (inspect.getdoc(module) or "").partition("\n")[0]
        lines += [f"## `{name}`", "", summary.replace("*", "\\*"), "", "| name | |", "| --- | --- |"]
        for each in public:
            doc = (inspect.getdoc(getattr(module, each)) or "").partition("\n")[0]
            lines.append(f"| `{each}` | {doc.replace('|', chr(92) + '|').replace('*', chr(92) + '*')} |")
        lines.append("")
    return "\n".join(lines)


def _modules(room: str) -> list[str]:
    package = importlib.import_module(f"sb3_ecom.{room}")
    found = [package.__name__]
    for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not each.name.rpartition(".")[2].startswith("_"):
            found.append(each.name)
    assert sb3_ecom.__version__
    return found
