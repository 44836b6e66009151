"""Parts for letting a policy decide live: exploration, the decision log, visit stores and exported policies."""
