"""Explanations of a policy while it trains: TensorBoard's ``ecom/explain/...`` and PNG files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Figure as LoggedFigure
from stable_baselines3.common.logger import TensorBoardOutputFormat
from stable_baselines3.common.vec_env import VecEnv

from sb3_ecom.core.checks import check_at_least
from sb3_ecom.core.files import open_whole
from sb3_ecom.sb3.explain.attributions import attribute_actions
from sb3_ecom.sb3.explain.figures import attention_figure, attribution_figure, tree_figure
from sb3_ecom.sb3.explain.parts import acting_extractor, attention_weights
from sb3_ecom.sb3.explain.states import collect_states
from sb3_ecom.sb3.explain.surrogate import fit_tree
from sb3_ecom.sb3.extractors.attention import AttendingExtractor


class ExplainCallback(BaseCallback):
    """At the end of training, explains the policy on states it meets in an environment of its own.

    Of a Box action, the first component is attributed; `attribute_actions` explains any other.

    Writes ``ecom/explain/attribution``, ``ecom/explain/attention`` (where the extractor attends) and
    ``ecom/explain/tree`` as pictures, and ``ecom/explain/tree_fidelity`` and ``ecom/explain/tree_return``
    as numbers, to TensorBoard and, if a folder is given, to PNG files of the same names.

    Args:
        venv: the environment to look at, >= 2 copies, normalised as the training's is; it is not the
            training environment, whose episodes must not be disturbed.
        folder: for the pictures; made if absent.
        states: that the tree is fitted to, >= 1.
        actions: that are attributed, >= 1.
        depth: of the tree, >= 1.
        episodes: of the tree's own return, >= 2.
        verbose: as for every SB3 callback.

    Raises:
        ValueError: if a number is out of range.
    """

    def __init__(
        self,
        venv: VecEnv,
        folder: str | Path | None = None,
        *,
        states: int = 20_000,
        actions: int = 256,
        depth: int = 4,
        episodes: int = 100,
        verbose: int = 0,
    ) -> None:
        super().__init__(verbose)
        for name, value, low in (
            ("states", states, 1),
            ("actions", actions, 1),
            ("depth", depth, 1),
            ("episodes", episodes, 2),
            ("copies of venv", venv.num_envs, 2),
        ):
            check_at_least(name, value, low)
        self.venv = venv
        self.folder = None if folder is None else Path(folder)
        self.states, self.actions, self.depth, self.episodes = states, actions, depth, episodes

    def _on_step(self) -> bool:
        return True

    def _on_training_end(self) -> None:
        model = self.model
        seen = collect_states(model, self.venv, 8 * self.actions).observations
        # Spread over the run: the first steps are all alike.
        rows = np.linspace(0, len(seen) - 1, min(self.actions, len(seen))).astype(int)
        try:
            self._show("attribution", attribution_figure(attribute_actions(model, seen[rows])))
        except ValueError as error:  # the model is not saved yet: training must not fail here
            warnings.warn(f"no attributions: {error}", stacklevel=2)
        if isinstance(acting_extractor(model), AttendingExtractor):
            self._show("attention", attention_figure(attention_weights(model, seen[rows]).cpu().numpy()))
        tree = fit_tree(model, self.venv, states=self.states, depth=self.depth)
        self._show("tree", tree_figure(tree))
        self._write("tree_fidelity", tree.fidelity)
        self._write("tree_return", tree.own_return(self.venv, self.episodes)[0])

    def _show(self, name: str, figure: Figure) -> None:
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open_whole(self.folder / f"{name}.png") as file:
                figure.savefig(file, format="png")
        self._write(name, LoggedFigure(figure, close=True))

    def _write(self, name: str, value: Any) -> None:
        for form in self.logger.output_formats:
            if isinstance(form, TensorBoardOutputFormat):
                form.write({f"ecom/explain/{name}": value}, {f"ecom/explain/{name}": ()}, self.num_timesteps)
