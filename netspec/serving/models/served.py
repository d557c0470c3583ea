"""One version of a model: what it takes and gives, how requests become arrays, and its batches.

Input: a model with its weights, and the values of requests. Output: jobs for its batcher, and predictions with names.
Nothing in a request is the name of a file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.predict.python_inputs import array_inputs
from netspec.data.predict.rows import RawInputs
from netspec.data.transforms.encoders import ImageEncoder, RowEncoder, TextEncoder, WindowEncoder
from netspec.data.transforms.sounds.encoder import SoundEncoder
from netspec.language.diagnostics import CompileError
from netspec.language.shape import Shape
from netspec.runs.evaluate_predict import Decoder
from netspec.runs.generation.generator import Generator, Settings
from netspec.runs.predictions.predictions import Predictions
from netspec.serving.http.refusal import Refusal
from netspec.serving.models.batching import Batcher, Batching, Done, Job, Outputs
from netspec.spec.model import Model

MAX_BYTES, MAX_EXAMPLES = 128 << 20, 1 << 16
"""Inputs and outputs of a request in memory, and examples: a short text may stand for a large array."""
MAX_SHAPES = 32
"""Shapes of a network whose inputs have sizes that are not known, before programs of earlier ones are freed."""


class Served:
    """A version of a model.

    Args:
        name: in addresses.
        version: in addresses, such as the number of the run.
        model: with its weights.
        path: the run, or None for a model from Python.
    """

    def __init__(self, name: str, version: str, model: Model, path: Path | None = None) -> None:
        self.name, self.version, self.model, self.path = name, version, model, path
        self.preprocessing = model.preprocessing or Preprocessing()
        self.decoder = Decoder(model)
        self.inputs: Mapping[str, Shape] = model.inputs
        self.outputs: Mapping[str, Shape] = model.outputs
        self.max_examples = _max_examples([*self.inputs.values(), *self.outputs.values()])
        """In a request."""
        self.waiting = 0
        """Requests that were taken and not answered yet."""
        self._batcher: Batcher | None = None
        self._shapes: set[tuple[tuple[int, ...], ...]] = set()

    @cached_property
    def generator(self) -> Generator | None:
        """What continues prompts; None for a network that is not a language model."""
        try:
            return Generator.of(self.model)
        except CompileError:
            return None

    @property
    def takes_text(self) -> bool:
        """Whether an example is a text."""
        encoder = self.preprocessing.encoder
        return isinstance(encoder, TextEncoder) or (isinstance(encoder, RowEncoder) and encoder.only_text is not None)

    @property
    def takes_images(self) -> bool:
        """Whether an example may be an image."""
        if len(self.inputs) != 1 or isinstance(self.preprocessing.encoder, RowEncoder | TextEncoder | SoundEncoder):
            return False
        shape = next(iter(self.inputs.values()))
        is_image = shape.rank == 3 and shape.channels in (1, 3, 4) and not shape.is_tokens
        return is_image or isinstance(self.preprocessing.encoder, ImageEncoder)

    @property
    def takes_sounds(self) -> bool:
        """Whether an example may be a sound."""
        return isinstance(self.preprocessing.encoder, SoundEncoder)

    @property
    def takes_rows(self) -> bool:
        """Whether an example may be a row with names of columns. Images that cells name are files, and not read."""
        encoder = self.preprocessing.encoder
        if isinstance(encoder, RowEncoder):
            return not any(column.kind == "image" for column in encoder.columns)
        return isinstance(encoder, WindowEncoder) or (encoder is None and bool(self.preprocessing.columns))

    # ------------------------------------------------------------ batches

    def compile(self, batching: Batching) -> None:
        """Compile the programs of all sizes of batches, so that no request waits for it. Sizes of inputs that are not
        known are compiled when they come."""
        if self.generator is not None and not self.generator.ends.sources:
            deque(self.generator.generate(self.generator.prompt([0]), Settings(length=2)).steps(), 0)
        if any(not shape.is_known for shape in self.inputs.values()):
            return
        for size in batching.sizes:
            self.model.predictions(*(_zeros(shape, size) for shape in self.inputs.values()))

    def start(self, batching: Batching, deliver: Callable[[Done], None], callers: Callable[[], int]) -> None:
        self._batcher = Batcher(f"{self.name} {self.version}", self._compute, batching, deliver, callers)

    def close(self) -> None:
        """End the thread after the jobs that were submitted before."""
        if self._batcher is not None:
            self._batcher.close()

    def _compute(self, *arrays: Any) -> Outputs:
        shapes = tuple(array.shape for array in arrays)
        if shapes not in self._shapes:
            if len(self._shapes) >= MAX_SHAPES:
                self.model.release_programs()
                self._shapes.clear()
            self._shapes.add(shapes)
        return self.model.predictions(*arrays)

    def submit(
        self, raw: RawInputs, finish: Callable[[Outputs | Refusal], None], is_wanted: Callable[[], bool]
    ) -> None:
        """Compute the outputs for examples; they were checked by `checked`."""
        assert self._batcher is not None
        arrays = [raw.arrays[name] for name in self.inputs]
        self._batcher.submit(Job(arrays, len(arrays[0]), finish, is_wanted))

    # ------------------------------------------------------------ inputs and outputs

    def tensors(self, arrays: Mapping[str, Any]) -> RawInputs:
        """Examples as arrays by input, examples first.

        Raises:
            CompileError: they do not fit.
            Refusal: token ids are not.
        """
        return self.checked(array_inputs(arrays, self.inputs, self.preprocessing))

    def checked(self, raw: RawInputs) -> RawInputs:
        """Examples that the network can compute; token ids are below the size of the vocabulary.

        Raises:
            Refusal: they are not.
        """
        self.check_count(len(raw.names))
        for name, shape in self.inputs.items():
            array = raw.arrays[name]
            if not shape.is_tokens:
                continue
            if array.dtype.kind not in "iub":
                raise Refusal(400, f"the input {name} takes token ids, which are integers")
            most = shape.vocabulary if isinstance(shape.vocabulary, int) else None
            if int(array.min()) < 0 or (most is not None and int(array.max()) >= most):
                raise Refusal(400, f"the input {name} takes token ids from 0 to {most - 1 if most else '…'}")
        self._check_sizes(raw.arrays)
        return raw

    def check_count(self, count: int) -> None:
        """Raises Refusal for more examples than a request may have (413)."""
        if count > self.max_examples:
            raise Refusal(413, f"send at most {self.max_examples:,} examples in a request, not {count:,}")

    def _check_sizes(self, arrays: Mapping[str, Any]) -> None:
        """Sizes that are not known are the same in all inputs."""
        seen: dict[str, int] = {}
        for name, shape in self.inputs.items():
            for size, found in zip(shape.sizes, arrays[name].shape[1:], strict=True):
                if found != (size if isinstance(size, int) else seen.setdefault(str(size), found)):
                    raise Refusal(400, f"`{size}` is {seen[str(size)]} in one input, and {found} in {name}")

    def predictions(self, raw: RawInputs, outputs: Outputs) -> Predictions:
        return self.decoder.predictions(raw, outputs)


def _max_examples(shapes: Sequence[Shape]) -> int:
    """Examples whose inputs and outputs fit into the memory for a request; sizes that are not known count as 1000."""
    numbers = sum(prod(size if isinstance(size, int) else 1000 for size in shape.sizes) for shape in shapes)
    return max(1, min(MAX_EXAMPLES, MAX_BYTES // (4 * max(numbers, 1))))


def _zeros(shape: Shape, count: int) -> Any:
    sizes: Sequence[Any] = shape.sizes
    return np.zeros((count, *sizes), np.int32 if shape.is_tokens else np.float32)
