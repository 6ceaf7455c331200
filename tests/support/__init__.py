"""What several tests need: samples, toy data, tiny projects, places."""
