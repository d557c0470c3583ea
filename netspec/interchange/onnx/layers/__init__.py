"""The operators of each layer, one file per family; `table.py` has them by class.

A layer is declared in `netspec/layers/`, without a word about ONNX; its operators are a function with `@writes`.
"""
