"""EcomRecRetain: what is shown today decides whether the customer comes back."""
