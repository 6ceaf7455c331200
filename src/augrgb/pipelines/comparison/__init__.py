"""The machinery of `augrgb compare`: recipe, graph of jobs, search, statistics and tables."""
