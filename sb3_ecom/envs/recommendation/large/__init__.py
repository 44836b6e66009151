"""EcomRecLarge: EcomRec's visitor in a shop of a thousand to a million items."""
