"""Part one, Tools: autograd and the data that feeds a model."""
