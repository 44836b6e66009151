"""Frequencies that rl-zoo counts in copies, for environments that show SB3 several rows a copy."""

from __future__ import annotations

from stable_baselines3.common.callbacks import BaseCallback, CallbackList

_NAMES = ("eval_freq", "save_freq")  # of EvalCallback and CheckpointCallback, in calls


class RowFrequencies(BaseCallback):
    """Makes ``--eval-freq`` and ``--save-freq`` of rl-zoo mean timesteps under `VecItemRows`.

    SB3's callbacks count calls, and rl-zoo divides the timesteps that the user asks for by the yml's
    ``n_envs``. Where every copy is several environments, a call is so many times more timesteps: this divides
    the frequencies of the other callbacks once more, when training starts. Name it in the yml's ``callback``;
    who builds callbacks with ``freq // venv.num_envs`` needs none.

    Args:
        verbose: as for every SB3 callback.
    """

    def _on_training_start(self) -> None:
        venv = self.training_env
        rows = venv.num_envs // venv.unwrapped.num_envs
        if rows > 1:
            for callback in _siblings(self.locals.get("callback")):
                for name in _NAMES:
                    frequency = getattr(callback, name, 0)
                    if frequency > 0 and not hasattr(callback, "_row_frequencies"):
                        setattr(callback, name, max(frequency // rows, 1))
                callback._row_frequencies = True  # type: ignore[attr-defined]  # `learn` may be called again

    def _on_step(self) -> bool:
        return True


def _siblings(callback: object) -> list[BaseCallback]:
    if isinstance(callback, CallbackList):
        return [each for part in callback.callbacks for each in _siblings(part)]
    return [callback] if isinstance(callback, BaseCallback) else []
