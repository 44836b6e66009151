"""Logs with propensities: record a policy, write and read tables, judge another policy from them."""

from sb3_ecom.logs.estimators import Estimate, doubly_robust, ips, snips
from sb3_ecom.logs.policies import EpsilonGreedy, UniformItems
from sb3_ecom.logs.recommenders import ItemKnn, PureSvd
from sb3_ecom.logs.recorder import Interactions, record, record_table
from sb3_ecom.logs.table import Log, read_table, write_table

__all__ = [
    "EpsilonGreedy",
    "Estimate",
    "Interactions",
    "ItemKnn",
    "Log",
    "PureSvd",
    "UniformItems",
    "doubly_robust",
    "ips",
    "read_table",
    "record",
    "record_table",
    "snips",
    "write_table",
]
