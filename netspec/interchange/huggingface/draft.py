"""The files of a folder for the Hugging Face Hub, and the model that is loaded from them to verify them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax

from netspec.compiler.backend.emit import emit_source
from netspec.compiler.ir.printer import memory
from netspec.data.dataset.lazy_rows import Array
from netspec.data.transforms.encoders import TextEncoder
from netspec.interchange.formats import Draft, Runner
from netspec.interchange.huggingface.card import card_of
from netspec.interchange.huggingface.config import config_of, preprocessing_config
from netspec.interchange.huggingface.tokenizer import TOKENIZER, TOKENIZER_CONFIG, tokenizer_config, tokenizer_of
from netspec.interchange.writing.companion.source import predicting_source
from netspec.interchange.writing.metadata import metadata_of, range_text
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.language.text import json_text
from netspec.spec.model import Model
from netspec.spec.saved import load_model
from netspec.storage.published import CONFIG, PREPROCESSING, SPEC, WEIGHTS
from netspec.storage.records import checksum
from netspec.storage.run_folder import RunRecord, read_run
from netspec.storage.weights import weights_file, weights_of


def draft(model: Model, file_name: str) -> Draft:
    """The weights, the spec, how examples are encoded, source for Flax, and a model card.

    Args:
        model: the model with its weights and its preprocessing.
        file_name: what the folder will be called.
    """
    record = None if model.trained_on is None else read_run(model.trained_on.run)
    files = _files(model, record)
    files["README.md"] = card_of(model, record, file_name).encode()
    size = sum(map(len, files.values()))
    inputs = {name: _text(shape) + range_text(model, name) for name, shape in model.inputs.items()}
    return Draft(
        dict(sorted(files.items(), key=lambda item: item[0] == CONFIG)),  # it has the checksums of the others
        inputs,
        {name: _text(shape) for name, shape in model.outputs.items()},
        "netspec",
        partial(_runner, files, model),
        f"a folder for the Hugging Face Hub, {len(files)} files, {memory(size)}",
    )


def _text(shape: Shape) -> str:
    return f"{' x '.join(map(str, ('N', *shape.sizes)))} {'int32' if shape.is_tokens else 'float32'}"


def _files(model: Model, record: RunRecord | None) -> dict[str, bytes]:
    """All but the model card."""
    texts = {SPEC: model.compilation.source.text, PREPROCESSING: json_text(preprocessing_config(model))}
    checksums = {name: checksum(text.encode()) for name, text in texts.items()}
    texts[CONFIG] = json_text(config_of(model, record, checksums))
    texts["model.py"] = emit_source(model.compilation.optimized, standalone=True)
    encoder = None
    if model.preprocessing is not None:
        texts["predict.py"] = predicting_source(model, "huggingface", model.module_class.__name__)
        encoder = model.preprocessing.encoder
    if isinstance(encoder, TextEncoder):
        texts[TOKENIZER] = json_text(tokenizer_of(encoder))
        texts[TOKENIZER_CONFIG] = json_text(tokenizer_config(encoder))
    files = {name: text.encode() for name, text in texts.items()}
    files[WEIGHTS] = weights_file(weights_of(model.module), {"format": "flax", **metadata_of(model)})
    return files


def _runner(files: Mapping[str, bytes], model: Model) -> Runner:
    """The model that `netspec.load` reads from the folder.

    Raises:
        CompileError: the folder cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        loaded = load_model(Path(folder))

    def run(inputs: Mapping[str, Array]) -> dict[str, Any]:
        with jax.default_matmul_precision("float32"):
            found = loaded.predictions(*(inputs[name] for name in model.inputs))
        return {name: np.asarray(y) for name, y in found.items()}

    return run
