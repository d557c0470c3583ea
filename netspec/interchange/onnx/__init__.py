"""ONNX: a graph of standard operators with the weights inside, for ONNX Runtime and other inference engines."""
