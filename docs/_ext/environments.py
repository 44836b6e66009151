"""One page per id, generated from its spec, its docstrings and its measured figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docstrings import arguments_of, first_line, split_docstring

from sb3_ecom.cli.envs import describe_action
from sb3_ecom.core.feature_names import NamedFeatures, names_of
from sb3_ecom.core.references import ROLES, Reference
from sb3_ecom.core.registry import Spec, specs

#: In the order of the gallery; another domain follows under its folder's name.
DOMAINS = ("recommendation", "advertising", "inventory")
_MOST_NAMES = 64  # rows of a table of observations
_UNITS = {  # of reward terms that are no money
    "clicks": "clicks",
    "conversions": "conversions",
    "watched": "minutes",
    "score": "conversions, less what the target cost is missed by",
}
_ROLE_NAMES = {
    "random": "random actions",
    "best_known": "best known",
    "best_baseline": "best baseline",
    "learner": "zoo's learner",
}


def our_specs() -> list[Spec]:
    """Return the specs of the package's own ids, sorted."""
    return [entry for name, entry in sorted(specs().items()) if "Toy" not in name]


def domain_of(task: Any) -> str:
    """Return the domain folder of a task."""
    return type(task).__module__.split(".")[2]


def write_pages(folder: Path) -> None:
    """Write the gallery and a page per id into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    tasks = {entry.id: entry.make_task() for entry in our_specs()}
    for entry in our_specs():
        (folder / f"{entry.id}.md").write_text(page(entry, tasks[entry.id]), encoding="utf-8")
    (folder / "index.md").write_text(gallery(tasks), encoding="utf-8")


def gallery(tasks: dict[str, Any]) -> str:
    """Return the page of thumbnails, by domain."""
    lines = ["# Environments", ""]
    lines += ["Every id registers with `import sb3_ecom`. The same tables in a terminal:"]
    lines += ["`python -m sb3_ecom envs`.", ""]
    found = {domain_of(task) for task in tasks.values()}
    for domain in (*DOMAINS, *sorted(found - set(DOMAINS))):
        entries = [entry for entry in our_specs() if domain_of(tasks[entry.id]) == domain]
        lines += [f"## {domain.capitalize()}", "", '<div class="gallery">']
        for entry in entries:
            lines += [
                f'<a class="card" href="{entry.id}.html"><img src="../_static/{entry.id}.gif" '
                f'alt="{entry.id}" loading="lazy"/><b>{entry.id}</b><span>{entry.summary}</span></a>'
            ]
        lines += ["</div>", ""]
    names = "\n".join(entry.id for entry in our_specs())
    return "\n".join(lines) + f"\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"


def page(entry: Spec, task: Any) -> str:
    """Return the MyST page of one id."""
    introduction, sections = split_docstring(type(task))
    lines = [f"# {entry.id}", "", f"![{entry.summary}](/_generated/{entry.id}.gif)", "", introduction, ""]
    lines += _spaces_table(entry, task)
    lines += ["## Observation space", "", sections.get("Observation", ""), "", *_observation_table(task)]
    lines += ["## Action space", "", sections.get("Action", ""), ""]
    lines += ["## Rewards", "", sections.get("Reward", ""), "", *_reward_table(task)]
    lines += ["## Start and end of an episode", "", sections.get("Episode", ""), ""]
    lines += ["## Metrics", "", *_metrics_table(task)]
    lines += ["## Arguments", "", f"`gymnasium.make({entry.id!r}, name=value)`:", ""]
    lines += _table(("argument", "default", "bounds", "meaning"), _argument_rows(entry, task))
    lines += _presets(entry)
    lines += ["## Baselines", ""]
    lines += _table(("name", "what it does", "sees"), _baseline_rows(entry))
    lines += ["## Results", "", _criterion(entry), "", _constant(entry), ""]
    lines += _table(("policy", "return", "standard error", "command"), _result_rows(entry))
    lines += _vectorised(entry)
    lines += ["## Source", "", sections.get("Source", ""), ""]
    lines += ["## Version history", "", sections.get("Versions", ""), ""]
    return "\n".join(lines)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return [*lines, ""]


def _spaces_table(entry: Spec, task: Any) -> list[str]:
    box = task.observation_space
    shown = f"Box({box.low.min():g}, {box.high.max():g}, {box.shape}, float32)"
    rows = [
        ("Action space", f"`{describe_action(task.action_space)}`"),
        ("Observation space", f"`{shown}`"),
        ("Import", f"`import sb3_ecom; gymnasium.make({entry.id!r})`"),
    ]
    return _table(("", ""), rows)


def _observation_table(task: Any) -> list[str]:
    layout = getattr(task.observation_space, "layout", None)
    size = int(task.observation_space.shape[0])
    low, high = float(task.observation_space.low.min()), float(task.observation_space.high.max())
    bounds = (f"{low:g}", f"{high:g}")
    if layout is not None and isinstance(task, NamedFeatures):
        names = names_of(task, layout)
        rows = [(str(index), name, *bounds) for index, name in enumerate(names.context[:_MOST_NAMES])]
        if layout.context > _MOST_NAMES:
            rest = f"{_MOST_NAMES} .. {layout.context - 1}"
            rows.append((rest, "the same for the other items", *bounds))
        if layout.steps:
            start, width = layout.context, layout.features
            for feature, name in enumerate(names.step[:_MOST_NAMES]):
                where = f"{start + feature} + {width} k"
                rows.append((where, f"{name}, {names.event} k of {layout.steps}, oldest first", *bounds))
        return _table(("number", "name", "min", "max"), rows)
    if layout is None or not layout.steps:
        rows = [(f"0 .. {size - 1}", "as above, in this order", *bounds)]
    else:
        rows = [(f"0 .. {layout.context - 1}", "context, as above, in this order", *bounds)]
        for step in (0, layout.steps - 1):
            first = layout.context + step * layout.features
            age = "oldest" if step == 0 else "newest"
            what = f"{age} of {layout.steps} history steps: validity, then {layout.features - 1} features"
            rows.append((f"{first} .. {first + layout.features - 1}", what, *bounds))
    return _table(("index", "what", "min", "max"), rows)


def _reward_table(task: Any) -> list[str]:
    rows = [
        (f"`{name}`", _UNITS.get(name, "money"), f"{weight:g}")
        for name, weight in task.reward_weights.items()
    ]
    return _table(("term", "unit", "weight by default"), rows)


def _metrics_table(task: Any) -> list[str]:
    rows = [
        (f"`{metric.name}`", f"{metric.numerator} / {metric.denominator or 'episodes'}")
        for metric in task.metrics
    ]
    text = "`EcomMetricsCallback` logs them to TensorBoard, `sb3_ecom.evaluate` returns them."
    return [text, "", *_table(("metric", "ratio of sums over episodes"), rows)]


def _argument_rows(entry: Spec, task: Any) -> list[tuple[str, ...]]:
    rows = []
    for argument in arguments_of(entry.make_task, task):
        default = argument.default if len(argument.default) < 60 else argument.default[:57] + "..."
        meaning = argument.meaning.replace("|", "\\|").replace("*", "\\*")
        shown = "`" + default.replace("|", "\\|") + "`"
        rows.append((f"`{argument.name}`", shown, argument.bounds.replace("|", "\\|"), meaning))
    return rows


def _presets(entry: Spec) -> list[str]:
    if not entry.presets:
        return []
    return ["## Presets", "", ", ".join(f"`{name}`" for name in entry.presets) + ".", ""]


def _baseline_rows(entry: Spec) -> list[tuple[str, ...]]:
    rows = [(f"`{name}`", first_line(make), "observations") for name, make in entry.baselines.items()]
    rows += [(f"`{name}`", first_line(make), "hidden state too") for name, make in entry.privileged.items()]
    return rows


def _criterion(entry: Spec) -> str:
    unit = "Mean return per episode" if entry.criterion == "episode" else "Mean reward per period"
    kind = {
        "optimal": "a proven optimum",
        "bound": "a bound that no policy can beat",
        "best-known": "the best policy known, which may see hidden state",
    }[entry.best_known_kind]
    return f"{unit}; the best known figure is {kind}. Score 0 is random, 1 the best known."


def _constant(entry: Spec) -> str:
    """Return what a constant action is worth here, in words."""
    meant = ", ".join(f"`{name}={value!r}`" for name, value in entry.constant_kwargs.items())
    text = "" if not meant else f" (a constant is searched with {meant}, where an action is a quantity)"
    zero = f" An action of 0 is a rule: {entry.zero_action}." if entry.zero_action else ""
    if entry.teaches:
        return f"A constant action scores above one half{text}: {entry.teaches}.{zero}"
    return f"No constant action is known that scores one half{text}.{zero}"


def _result_rows(entry: Spec) -> list[tuple[str, ...]]:
    rows = []
    for role in ROLES:
        reference: Reference | None = getattr(entry.references, role)
        if reference is not None:
            name = f"{_ROLE_NAMES[role]}{f': {reference.policy}' if reference.policy else ''}"
            error = f"{reference.stderr:.2g}" if reference.stderr else "computed"
            rows.append((name, f"{reference.value:.4g}", error, f"`{reference.command}`"))
    return rows


def _vectorised(entry: Spec) -> list[str]:
    code = f"""```python
from sb3_ecom.sb3 import make_vec_env

env = make_vec_env("{entry.id}", n_envs=256, seed=0)  # SB3's VecEnv, all copies in one batch
```
```python
import gymnasium
import sb3_ecom

envs = gymnasium.make_vec("{entry.id}", num_envs=256, vectorization_mode="vector_entry_point")
```"""
    return ["## Vectorised", "", code, ""]
