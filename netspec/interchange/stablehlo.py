"""StableHLO: the compiled form of JAX as a file, for JAX without netspec and Flax, and for other programs of OpenXLA.

`jax.export` writes it, with the weights inside and for batches of any size, for CPU, GPU and TPU alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import export

from netspec import nn
from netspec.compiler.ir.printer import memory
from netspec.data.dataset.lazy_rows import Array
from netspec.data.transforms.normalization import Normalization
from netspec.interchange.errors import MissingPackage, NotInFormat
from netspec.interchange.formats import Draft, Runner
from netspec.interchange.writing.metadata import metadata_of, output_scales, range_text
from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.spec.model import Model

PLATFORMS = ("cpu", "cuda", "tpu")


def draft(model: Model, file_name: str) -> Draft:
    """The program of a model in inference mode.

    Args:
        model: the model with its weights and its preprocessing.
        file_name: what the file will be called.

    Raises:
        CompileError: JAX cannot export the network for sizes that are not known (NS544), or a package is missing
            (NS546).
    """
    try:
        import_module("flatbuffers")
    except ModuleNotFoundError:
        raise fail(MissingPackage(format="StableHLO", package="flatbuffers", extra="stablehlo")) from None
    has_doubles = any(scale.double for scale in model.normalization.values())
    with jax.enable_x64(has_doubles), _without_paths(), nn.using("reference"):
        try:
            exported = export.export(jax.jit(_program(model)), platforms=PLATFORMS)(*_arguments(model))
        except Exception as error:  # of several kinds, by what JAX cannot decide about a size
            if all(shape.is_known for shape in model.inputs.values()):
                raise
            what = f"sizes that are not known here: {reason_of(error)}"
            raise fail(NotInFormat(format="StableHLO", what=what)) from error
        content = bytes(exported.serialize())
    inputs = {name: _text(shape, model.normalization.get(name)) for name, shape in model.inputs.items()}
    metadata = metadata_of(model)
    beside = {f"{file_name}.json": json.dumps(metadata, indent=2).encode()} if metadata else {}
    return Draft(
        {**beside, file_name: content},
        {name: text + range_text(model, name) for name, text in inputs.items()},
        {name: _text(shape, None) for name, shape in model.outputs.items()},
        "jax",
        partial(_runner, content, model, has_doubles),
        f"StableHLO for {', '.join(PLATFORMS)}, {memory(len(content))}",
    )


def _text(shape: Shape, scale: Normalization | None) -> str:
    sizes = " x ".join(str(size) for size in ("N", *shape.sizes))
    return f"{sizes} {_dtype(shape, scale)}"


def _dtype(shape: Shape, scale: Normalization | None) -> str:
    if shape.is_tokens:
        return "int32"
    return "float64" if scale is not None and scale.double else "float32"


@contextmanager
def _without_paths() -> Iterator[None]:
    """Leaves the names of source files out of the program: equal networks give equal bytes on every machine."""
    before = jax.config.jax_traceback_in_locations_limit
    jax.config.update("jax_traceback_in_locations_limit", 0)
    try:
        yield
    finally:
        jax.config.update("jax_traceback_in_locations_limit", before)


def _arguments(model: Model) -> list[Any]:
    """The shapes of the inputs, with names for the batch and for sizes that are not known."""
    scope = export.SymbolicScope()
    found = []
    for name, shape in model.inputs.items():
        sizes = export.symbolic_shape(", ".join(map(str, ("N_batch", *shape.sizes))), scope=scope)
        found.append(jax.ShapeDtypeStruct(sizes, _dtype(shape, model.normalization.get(name))))
    return found


def _program(model: Model) -> Any:
    """From raw inputs to predictions, in the units of the targets."""
    definition, state = nnx.split(model.inference_module())
    scales = output_scales(model)
    names = list(model.outputs)

    def predict(*inputs: Any) -> Any:
        ready = [_normalized(x, model.normalization.get(n)) for n, x in zip(model.inputs, inputs, strict=True)]
        found = nnx.merge(definition, state)(*ready)
        if not isinstance(found, dict):
            return _restored(found, scales.get(names[0]))
        return {name: _restored(y, scales.get(name)) for name, y in found.items()}

    return predict


def _normalized(x: Any, scale: Normalization | None) -> Any:
    if scale is None:
        return x
    filled = x if scale.fill is None else jnp.where(jnp.isnan(x), jnp.array(scale.fill, x.dtype), x)
    return ((filled - jnp.array(scale.mean, x.dtype)) / jnp.array(scale.std, x.dtype)).astype(jnp.float32)


def _restored(y: Any, scale: Normalization | None) -> Any:
    return y if scale is None else y * jnp.array(scale.std, y.dtype) + jnp.array(scale.mean, y.dtype)


def _runner(content: bytes, model: Model, has_doubles: bool) -> Runner:
    """The program as it is read from the file."""
    program = export.deserialize(bytearray(content))

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        kinds = [_dtype(shape, model.normalization.get(name)) for name, shape in model.inputs.items()]
        given = [np.asarray(x, kind) for x, kind in zip(inputs.values(), kinds, strict=True)]
        with jax.enable_x64(has_doubles), jax.default_matmul_precision("float32"):
            found = program.call(*given)
        named = found if isinstance(found, dict) else {next(iter(model.outputs)): found}
        return {name: np.asarray(y) for name, y in named.items()}

    return run
