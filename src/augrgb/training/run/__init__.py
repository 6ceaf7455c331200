"""The folder of one training run: its lock, settings, history, checkpoints and result."""
