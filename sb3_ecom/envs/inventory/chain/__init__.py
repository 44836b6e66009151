"""A supply chain with capacities, for one season (EcomChain-v0)."""
