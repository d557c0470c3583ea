"""Runs networks of Caffe and Darknet with OpenCV, to verify what was read. OpenCV 5 no longer reads these formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.configs.input_files import LIMIT
from netspec.interchange.formats import Foreign, Runner
from netspec.interchange.reading.sketch import Sketch
from netspec.language.files.regular_file import read_regular
from netspec.language.lazy import lazy, np
from netspec.language.record import Frozen
from netspec.language.shape import Size

cv2 = lazy("cv2")

INSTALL = "pip install 'opencv-python-headless<5'"


class OpenCVOutput(Frozen):
    """An output: its name in the sketch, the layer of OpenCV that gives it, where its axes are in the step's tensor
    (as in `Value.axes`), and the sizes of that tensor, without the batch."""

    name: str
    layer: str
    axes: tuple[int, ...]
    sizes: tuple[Size, ...]


class OpenCVNet(Frozen):
    """A network that OpenCV may compute.

    `function` reads the format (`readNetFromCaffe` or `readNetFromDarknet`), `text` is the network, `inputs` have for
    each name in the sketch that in the text, and the sizes without the batch.
    """

    function: str
    text: str
    weights: Path
    inputs: Mapping[str, tuple[str, tuple[Size, ...]]]
    outputs: Sequence[OpenCVOutput]

    def start(self) -> Runner:
        """The function that computes the outputs.

        Raises:
            ModuleNotFoundError: OpenCV is not installed, or too new.
            cv2.error: OpenCV cannot compute the network.
        """
        if not hasattr(cv2.dnn, self.function):
            raise ModuleNotFoundError("OpenCV 5 does not read this format", name="cv2")
        buffers = [np.frombuffer(data, np.uint8) for data in (self.text.encode(), read_regular(self.weights, LIMIT))]
        net = getattr(cv2.dnn, self.function)(*buffers)
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)

        def run(given: Mapping[str, Array]) -> Mapping[str, Array]:
            for name, (own, _) in self.inputs.items():
                net.setInput(channels_first(np.asarray(given[name], np.float32)), own)
            count = len(next(iter(given.values())))
            found = net.forward([output.layer for output in self.outputs])
            return {output.name: _own_layout(y, output, count) for output, y in zip(self.outputs, found, strict=True)}

        return run

    def zeros(self) -> dict[str, Array]:
        """An example for each input, in netspec's layout."""
        zeros = {}
        for name, (_, sizes) in self.inputs.items():
            known = [int(str(size)) for size in sizes]
            own = [*known[1:], known[0]] if len(known) > 2 else known
            zeros[name] = np.zeros((1, *own), np.float32)
        return zeros


def verified_by_opencv(sketch: Sketch, net: OpenCVNet) -> Foreign:
    """What a reader returns: with OpenCV to verify it, unless it is installed and cannot compute the network."""
    if sketch.problems.errors:
        return Foreign(sketch=sketch)
    runner = net.start
    try:
        run = runner()
        run(net.zeros())
    except ModuleNotFoundError:
        return Foreign(sketch=sketch, tool="OpenCV", install=INSTALL, runner=runner)
    except cv2.error:
        return Foreign(sketch=sketch)
    return Foreign(sketch=sketch, tool="OpenCV", install=INSTALL, runner=lambda: run)


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
