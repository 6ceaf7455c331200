"""What to look at next, in which order, and what blind judgments say about the model."""
