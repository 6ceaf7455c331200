"""Networks that find people and their poses in frames: BlazePose and ONNX pose models, with what runs them."""
