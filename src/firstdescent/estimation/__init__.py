"""Part three, Estimation: where losses come from, and what they assume."""
