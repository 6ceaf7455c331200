"""Other sensors than cameras: time series and low-resolution images, read, checked, and aligned with a video."""
