"""Graph to Python source (`emit`), source to a live module (`load`). The emitted source is the only backend."""
