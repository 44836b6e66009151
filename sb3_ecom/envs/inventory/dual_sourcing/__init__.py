"""One item, a cheap slow supplier and a dear fast one (EcomDualSourcing-v0)."""
