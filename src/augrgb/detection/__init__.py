"""From scores (T, K) on a clock to detections, and detections to and from files."""
