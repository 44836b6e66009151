"""Matrix products whose last digit does not depend on the number of cores."""

from __future__ import annotations

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


def one_blas_thread() -> AbstractContextManager[object]:
    """Run BLAS on one thread inside a ``with``: threads split a sum differently, and rounding tells.

    For what is computed once per task; entering takes about a millisecond.
    """
    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits
