"""ONNX Runtime behind the server of netspec: the same requests and batches, another program that computes.

python -m benchmarks.contestants.onnx_server RUN PORT MODEL.onnx
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from netspec.serving.models.batching import Batching
from netspec.serving.models.registry import Registry, load_served
from netspec.serving.server import Options, Server


def main(run: str, port: int, file: str) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    session = onnxruntime.InferenceSession(file, options)
    inputs, outputs = [one.name for one in session.get_inputs()], [one.name for one in session.get_outputs()]

    def predictions(*arrays: Any) -> dict[str, Any]:
        floats = (array.astype(np.float32, copy=False) for array in arrays)
        return dict(zip(outputs, session.run(outputs, dict(zip(inputs, floats, strict=True))), strict=True))

    registry = Registry(Batching())
    served = load_served(Path(run), registry.batching, "mnist_cnn")
    wanted = served.model.predictions(np.ones((3, 28, 28, 1), np.float32))
    outputs = [*wanted] if len(wanted) == len(outputs) else outputs
    found = predictions(np.ones((3, 28, 28, 1), np.float32))
    assert all(np.allclose(found[name], wanted[name], atol=1e-5) for name in wanted), "another network"
    served.model.__dict__["predictions"] = predictions
    registry.add(served)
    server = Server(registry, Options(port=port))
    server.start()
    server.wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
