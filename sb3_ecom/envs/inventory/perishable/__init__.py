"""One item that spoils (EcomPerishable-v0)."""
