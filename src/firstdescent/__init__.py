"""What First Descent teaches: one module a page, importing only what earlier pages taught."""
