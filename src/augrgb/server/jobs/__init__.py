"""Detection jobs: the queue that survives restarts, the child processes, and what they found."""
