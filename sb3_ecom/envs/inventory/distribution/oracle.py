"""Lower bounds on the cost of one warehouse and its retailers."""

from __future__ import annotations

from sb3_ecom.core.registry import Oracle
from sb3_ecom.envs.inventory.distribution.allocation import relaxed_cost
from sb3_ecom.envs.inventory.distribution.env import DistributionTask
from sb3_ecom.envs.inventory.distribution.params import DistributionParams
from sb3_ecom.envs.inventory.single_item.oracle import solve_lost_sales
from sb3_ecom.envs.inventory.single_item.params import SingleItemParams


def oracle(task: DistributionTask) -> Oracle:
    """Return an upper bound on the average reward of one period.

    With backlog: shipments may be taken back. With lost sales: the warehouse never runs out and costs
    nothing, so each retailer orders optimally on its own (a weaker bound).
    """
    params = task.weighted_params()
    if params.unmet == "backlog":
        cost, freedom = relaxed_cost(params)[1], "relaxed: retailers give stock back at no cost, at once"
    else:
        cost, freedom = ample_cost(params), "relaxed: the warehouse never runs out and holds for free"
    return Oracle(
        kind="bound",
        value=-cost,
        stderr=0.0,
        information=f"the demand laws and the whole state, no future demand; {freedom}",
    )


def ample_cost(params: DistributionParams) -> float:
    """Return the sum of the retailers' optimal costs under a supplier that never runs out, lost sales."""
    return sum(
        solve_lost_sales(
            SingleItemParams(
                demand=params.demand,
                demand_mean=mean,
                lead_time=params.retailer_lead_time,
                penalty=params.penalty,
                holding_cost=params.retailer_holding,
                max_order=limit,
            )
        ).cost
        for mean, limit in zip(params.means, params.shipment_limits, strict=True)
    )
