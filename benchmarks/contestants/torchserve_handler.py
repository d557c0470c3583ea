"""What TorchServe runs for each batch of requests: the PyTorch source that `netspec export RUN -o mnist_cnn.py` writes.

`benchmarks.serving` packs it with that file and its weights; it runs without netspec.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch


class Handler:
    """Images as lists of 784 numbers in, probabilities out."""

    def initialize(self, context: Any) -> None:
        folder = Path(context.system_properties["model_dir"])
        spec = importlib.util.spec_from_file_location("mnist_cnn", folder / "mnist_cnn.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        torch.set_num_threads(1)
        self.model = module.load()

    @torch.inference_mode()
    def handle(self, requests: list[dict[str, Any]], context: Any) -> list[Any]:
        images = [image for request in requests for image in request["body"]["inputs"]]
        found = self.model(torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 28, 28))
        return [{"outputs": [row]} for row in found.tolist()]


service = Handler()


def handle(data: Any, context: Any) -> Any:
    """The function that TorchServe calls; the first call has no data."""
    if not hasattr(service, "model"):
        service.initialize(context)
    return None if data is None else service.handle(data, context)
