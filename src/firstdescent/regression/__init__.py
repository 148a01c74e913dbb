"""Part two, Regression: linear models, from the loop to the explanation."""
