"""Runs networks of Caffe and Darknet with OpenCV, to verify what was read. OpenCV 5 no longer reads these formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.formats import Runner
from netspec.language.files.regular_file import read_regular
from netspec.language.lazy import lazy, np
from netspec.language.record import Frozen
from netspec.language.shape import Size
from netspec.interchange.configs.input_files import LIMIT

cv2 = lazy("cv2")

INSTALL = "pip install 'opencv-python-headless<5'"


class OpenCVOutput(Frozen):
    """An output: its name in the sketch, the layer of OpenCV that gives it, where its axes are in the step's tensor
    (as in `Value.axes`), and the sizes of that tensor, without the batch."""

    name: str
    layer: str
    axes: tuple[int, ...]
    sizes: tuple[Size, ...]


def start(
    function: str, text: bytes, weights: Path, inputs: Mapping[str, str], outputs: Sequence[OpenCVOutput]
) -> Runner:
    """The function that computes the outputs of a network.

    Args:
        function: what reads the format: `readNetFromCaffe` or `readNetFromDarknet`.
        text: the network.
        weights: the file of its weights.
        inputs: names in the sketch, and those in the network.
        outputs: what is computed.

    Raises:
        ModuleNotFoundError: OpenCV is not installed, or too new.
    """
    if not hasattr(cv2.dnn, function):
        raise ModuleNotFoundError("OpenCV 5 does not read this format", name="cv2")
    buffers = [np.frombuffer(data, np.uint8) for data in (text, read_regular(weights, LIMIT))]
    net = getattr(cv2.dnn, function)(*buffers)
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)

    def run(given: Mapping[str, Array]) -> Mapping[str, Array]:
        for name, own in inputs.items():
            net.setInput(channels_first(np.asarray(given[name], np.float32)), own)
        count = len(next(iter(given.values())))
        found = net.forward([output.layer for output in outputs])
        return {output.name: _own_layout(y, output, count) for output, y in zip(outputs, found, strict=True)}

    return run


def channels_first(x: Any) -> Any:
    """Examples of netspec with the axes of Caffe and Darknet."""
    return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if x.ndim > 3 else x


def _own_layout(y: Any, output: OpenCVOutput, count: int) -> Any:
    """What OpenCV gives, with the axes of the sketch."""
    y = np.asarray(y)
    y = y.reshape(count, *y.shape[1:]) if y.shape[0] == count else y.reshape(count, -1)
    rank = len(output.axes)
    if y.ndim == rank:
        order = sorted(range(rank), key=lambda axis: output.axes[axis] if output.axes[axis] >= 0 else rank)
        y = y.transpose(order)
    return y.reshape(count, *output.sizes)
