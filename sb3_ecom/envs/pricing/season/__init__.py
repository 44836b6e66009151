"""Sell finite stocks of several products over a season."""
