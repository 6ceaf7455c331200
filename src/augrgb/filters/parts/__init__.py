"""What several temporal filters share."""
