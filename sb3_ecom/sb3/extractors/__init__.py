"""Feature extractors: recurrent, attention, last click, item embeddings, text, candidates."""
