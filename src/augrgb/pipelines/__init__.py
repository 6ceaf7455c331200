"""Jobs made of several workflows: comparisons and the demo."""
