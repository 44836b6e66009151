"""One item ordered from one supplier: lost sales (EcomLostSales-v0) and setup costs (EcomSetupCost-v0)."""
