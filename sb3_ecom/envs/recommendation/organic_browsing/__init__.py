"""EcomRecOrganic: infer a visitor's taste from what he looks at by himself (RecoGym)."""
