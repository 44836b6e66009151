"""Prices of finite stocks: demand by choice, hidden and drifting."""
