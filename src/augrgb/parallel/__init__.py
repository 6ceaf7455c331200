"""Everything that starts a process: guarded children, batches, job graphs, Ray."""
