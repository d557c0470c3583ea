"""The code of each layer in PyTorch, one file per family; `table.py` has them by class.

In generated code images and volumes have their channels first, sequences their channels last, as is usual in PyTorch.
"""
