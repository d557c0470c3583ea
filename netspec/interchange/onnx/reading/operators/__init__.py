"""The operators of ONNX, one file per family; `table.py` has the functions that read them, by type."""
