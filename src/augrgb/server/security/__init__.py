"""Who may ask what, and what a fault says to clients."""
