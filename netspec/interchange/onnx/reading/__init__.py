"""Reads ONNX files, written by any program."""
