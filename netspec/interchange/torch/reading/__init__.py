"""Reads PyTorch: modules, programs of `torch.export`, and files of weights with well-known names."""
