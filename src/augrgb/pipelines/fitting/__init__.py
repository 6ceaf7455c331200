"""What `augrgb fit` is made of: the project file, the plan, the choice of events, the result."""
