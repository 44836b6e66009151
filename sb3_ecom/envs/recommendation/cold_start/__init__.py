"""EcomRecCold: new items whose features are known and whose quality is not."""
