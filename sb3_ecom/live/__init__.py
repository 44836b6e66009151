"""Parts for a policy that decides live: exploration, decision log, visit stores, exported policies."""
