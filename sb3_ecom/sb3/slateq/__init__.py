"""SlateQ: Q-learning over slates by item-wise decomposition."""
