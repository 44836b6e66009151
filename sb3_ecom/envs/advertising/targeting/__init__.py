"""EcomAdsTarget: which creative, if any, a visitor sees on each page."""
