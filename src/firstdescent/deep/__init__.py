"""Part five, From linear to deep: networks, and the data they meet."""
