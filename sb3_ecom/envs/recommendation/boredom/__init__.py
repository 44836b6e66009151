"""EcomRecBored: visitors who tire of a topic and whose taste follows their clicks (SARDINE)."""
