"""Reads files of weights: safetensors, and what `torch.save` writes, without executing anything."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import NotAModel, ReadingNeeds
from netspec.interchange.torch.reading.named.state_dict import StateDict
from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.files.regular_file import Refused, check_regular, read_regular
from netspec.language.lazy import lazy, np
from netspec.storage.array_file import LIMIT
from netspec.storage.run_files import TEXT_LIMIT

torch = lazy("torch")

CONTAINERS = ("state_dict", "model_state_dict", "model", "model_state", "net", "weights", "module")
"""What checkpoints call the weights of the network."""
AS_MODULE = "save `model.state_dict()`, or import the module in Python: `netspec.import_model(model, inputs=…)`"
AS_PROGRAM = (
    "save the program with `torch.export.save`, or import the module in Python: `netspec.import_model(model, inputs=…)`"
)


def read_weights_by_name(path: Path) -> StateDict:
    """The weights of a file.

    Raises:
        CompileError: it cannot be read (NS475, NS570), or PyTorch is not installed (NS574).
    """
    if path.name.lower().endswith((".safetensors", ".safetensors.index.json")):
        from netspec.storage.weights import load_weights

        return StateDict(load_weights(path))
    return StateDict(_saved(path))


def read_config(path: Path) -> Mapping[str, Any]:
    """The `config.json` that transformers writes beside the weights; empty if there is none."""
    file = path.parent / "config.json"
    try:
        found = json.loads(read_regular(file, TEXT_LIMIT))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def bad_file(path: Path, reason: str, advice: str) -> Any:
    """The error (NS570) for a file that is not read."""
    return fail(NotAModel(file=str(path), format="PyTorch", reason=reason, advice=advice))


def check_archive(path: Path) -> None:
    """Whether what `torch.save` or `torch.export.save` has written is small enough to be read.

    Raises:
        CompileError: it is too large, not a file, or a program of TorchScript (NS570).
    """
    try:
        check_regular(path, LIMIT)
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
        LIMIT.check(path, sum(member.file_size for member in members), "its parts have {size}")
    except Refused as error:
        raise bad_file(path, reason_of(error), error.advice) from error
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise bad_file(path, reason_of(error), "check the file") from error
    if any(member.filename.endswith("/constants.pkl") and "code/" not in member.filename for member in members):
        raise bad_file(path, "it is a program of TorchScript", AS_PROGRAM)


def _saved(path: Path) -> dict[str, Array]:
    """The weights in a file of `torch.save`."""
    check_archive(path)
    try:
        load = torch.load
    except ModuleNotFoundError as error:
        raise fail(ReadingNeeds(format="PyTorch", package="torch", advice="pip install torch")) from error
    try:
        found = load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of any kind: the file may hold anything
        if "weights_only" in str(error) or "Unsupported" in str(error):
            reason = "it is a pickled object, not a state dict: reading it would execute code"
            raise bad_file(path, reason, AS_MODULE) from error
        raise bad_file(path, "it is damaged, or not a file of `torch.save`", "check the file") from error
    tensors = _tensors(found)
    if not tensors:
        raise bad_file(path, "there are no weights in it", AS_MODULE)
    try:
        LIMIT.check(path, sum(4 * tensor.numel() for tensor in tensors.values()), "its weights have {size}")
        return {name: _array(tensor) for name, tensor in tensors.items()}
    except Refused as error:
        raise bad_file(path, reason_of(error), error.advice) from error
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise bad_file(path, f"a weight of it is not a plain array: {_first_line(error)}", AS_MODULE) from error


def _tensors(found: Any) -> dict[str, Any]:
    """The tensors by name in a state dict, or in a checkpoint that has one."""
    if not isinstance(found, Mapping):
        return {}
    for name in CONTAINERS:
        if isinstance(found.get(name), Mapping):
            return _tensors(found[name])
    return {name: tensor for name, tensor in found.items() if isinstance(name, str) and torch.is_tensor(tensor)}


def _array(tensor: Any) -> Array:
    numbers = tensor.detach()
    array: Array = np.asarray((numbers.float() if numbers.is_floating_point() else numbers).numpy())
    return array


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:100]
