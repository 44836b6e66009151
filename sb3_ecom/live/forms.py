"""The live forms: which class decides with the policies of which id, and why some ids have none."""

from __future__ import annotations

from typing import Literal

from sb3_ecom.core.registry import specs

FormName = Literal["Recommender", "Bidder", "Planner", "Pricer"]


def ids_of(form: FormName) -> list[str]:
    """Return the ids whose policies a form takes."""
    return [env_id for env_id, entry in specs().items() if entry.live_form == form]


def why_not(env_id: str) -> str | None:
    """Return why an id has no live form, as a sentence; None where it has one."""
    entry = specs().get(env_id)
    if entry is None:
        return f"{env_id} has no live form: it is not registered here"
    return None if entry.live_form else f"{env_id} has no live form: {entry.why_not_live}"


def refusal(form: FormName, env_id: str) -> ValueError:
    """Return the error for a policy that a form does not take: which ids it takes, and why not this one."""
    *most, last = ids_of(form)
    known = f"{', '.join(most)} or {last}" if most else last
    reason = why_not(env_id) or f"load it as a {specs()[env_id].live_form}"
    return ValueError(f"a {form} needs a policy of {known}, got one of {env_id}: {reason}")
