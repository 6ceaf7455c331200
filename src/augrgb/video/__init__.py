"""Video and pose files -> tracks on a clock's frame rate -> windows. Everything streams."""
