"""Names of the floats that a session's agent sees and gives."""

from __future__ import annotations

from sb3_ecom.core.feature_names import FeatureNames
from sb3_ecom.envs.recommendation.session.ranker import QUERY
from sb3_ecom.envs.recommendation.session.tracker import FACTS

_CONTEXT = (
    *("pages so far", "moving average of clicks a page", "pages since the last click", "clicks so far"),
    *("sine of the hour", "cosine of the hour"),
)
_STEP = ("validity", "purchase", "price", "pages waited", "slot")
_RANKER = (
    *("popularity", "affinity to the last click", "avoid items after which visitors leave"),
    *("same category as the last click", "avoid categories clicked often", "price"),
    *(f"direction {index} of the embedding" for index in range(1, QUERY + 1)),
)


def session_names(groups: int, width: int, items: tuple[str, ...], action: str) -> FeatureNames:
    """Return the names of a session's features.

    Args:
        groups: categories.
        width: floats of a click in the history.
        items: N ids.
        action: "ranker", "slate" or "single".
    """
    ranks = action == "ranker"
    return FeatureNames(
        context=(
            *_CONTEXT,
            *(f"clicks on category {group}" for group in range(groups)),
            *(() if ranks else (f"{item} was opened" for item in items)),
        ),
        step=(*_STEP, *(f"embedding {index}" for index in range(1, width - FACTS + 1))),
        event="click",
        action=_RANKER if ranks else (),
        items=items,
    )
