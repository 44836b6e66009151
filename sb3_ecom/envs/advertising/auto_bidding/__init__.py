"""EcomAdsAuto: bid for several slots under a budget and a cost-per-conversion target."""
