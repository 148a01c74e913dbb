"""What First Descent teaches: one module a page, each built on earlier pages."""
