"""Events as people write them: formats, repair, labels, splits, the dataset file."""
