"""A serial supply chain with backlog (EcomSerial-v0)."""
