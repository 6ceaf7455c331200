"""Models as ONNX and torch.export files, and running them without torch.

`write` makes an export folder; it needs torch and the extra `export`. `folder` reads and runs one with onnxruntime,
PyAV and NumPy alone.
"""
