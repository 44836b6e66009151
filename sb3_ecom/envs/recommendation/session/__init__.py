"""A visitor's session in a web shop (EcomRec-v0, EcomRecSlate-v0, EcomRecSingle-v0)."""
