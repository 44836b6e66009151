"""One warehouse and its retailers (EcomDistribution-v0)."""
