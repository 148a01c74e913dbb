"""Part four, Optimisation: step sizes, batches and curvature."""
