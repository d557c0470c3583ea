"""PyTorch: a readable `nn.Module` in a Python file, and its weights beside it in a safetensors file."""
