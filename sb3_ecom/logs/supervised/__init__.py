"""Supervised rankers fitted to served pages: what a shop runs that has a log and no simulator."""

from sb3_ecom.logs.supervised.pages import ServedPages, explore, join_pages, serve_pages, uniform
from sb3_ecom.logs.supervised.ranker import Ranker, Round, fit_ranker, log_policy_iteration
from sb3_ecom.logs.supervised.views import View, view_of

__all__ = [
    "Ranker",
    "Round",
    "ServedPages",
    "View",
    "explore",
    "fit_ranker",
    "join_pages",
    "log_policy_iteration",
    "serve_pages",
    "uniform",
    "view_of",
]
