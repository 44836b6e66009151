"""How large the shop is, how its items are drawn, and how a page is found among them."""

from __future__ import annotations

from dataclasses import dataclass

from sb3_ecom.core.checks import LARGEST_SEED, check_choice, check_fields, check_finite_fields
from sb3_ecom.envs.recommendation.session.params import SessionParams

RETRIEVALS = ("auto", "exact", "ann")
ACTIONS = ("query", "ranker")
SMALLEST, LARGEST = 1_000, 1_000_000  # items


@dataclass(frozen=True, kw_only=True)
class LargeParams:
    """A visitor as fitted, and a catalogue scaled up from the fitted one.

    Raises:
        ValueError: naming the parameter, its bound and its value.
    """

    session: SessionParams  # the fitted visitor; its catalogue is what the large one is drawn from
    catalogue_size: int = 10_000  # N, items
    catalogue_seed: int = 0  # of the drawn items
    bandwidth: float = 0.5  # assumed: spread around a fitted item, in standard deviations of all of them
    retrieval: str = "auto"  # "exact" product, "ann" (approximate nearest neighbours), "auto" by size
    exact_up_to: int = 20_000  # items, up to which "auto" takes the exact product
    candidates: int = 32  # M, items that "ann" looks up for a page; opened ones are removed from them
    probes: int = 0  # cells of the index that "ann" searches; 0: a number that follows the catalogue's size

    def __post_init__(self) -> None:
        check_finite_fields(self)
        check_fields(self, "catalogue_size", low=SMALLEST, high=LARGEST)
        check_fields(self, "catalogue_seed", low=0, high=LARGEST_SEED)
        check_fields(self, "exact_up_to", low=0, high=LARGEST)
        check_fields(self, "probes", low=0, high=10_000)
        check_fields(self, "bandwidth", low=0, high=10)
        check_fields(self, "candidates", low=self.session.slate_size, high=1024, unit="(slate_size, 1024)")
        check_choice("retrieval", self.retrieval, RETRIEVALS)

    @property
    def approximate(self) -> bool:
        """Whether pages are looked up in an index rather than by the exact product."""
        return self.retrieval == "ann" or (
            self.retrieval == "auto" and self.catalogue_size > self.exact_up_to
        )
