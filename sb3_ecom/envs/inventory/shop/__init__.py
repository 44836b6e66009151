"""A web shop's warehouse with fitted demand (EcomInventory-v0)."""
