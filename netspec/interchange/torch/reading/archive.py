"""The program in a file of `torch.export.save`.

`torch.export.load` may execute code from the file: it unpickles, and evaluates the texts of sizes. So the JSON of the
program and the numbers of the weights are read here; nothing pickled is.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netspec.interchange.torch.reading.named.files import bad_file, check_archive
from netspec.interchange.torch.reading.program import ALLOWED, GETITEM, Call, Program, Ref, out_of_place
from netspec.language.files.atomic_files import reason_of
from netspec.language.lazy import lazy

torch = lazy("torch")

WRONG = (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError, RecursionError, OverflowError)
"""What reading damaged content raises."""
DTYPES = {
    1: "uint8",
    2: "int8",
    3: "int16",
    4: "int32",
    5: "int64",
    6: "float16",
    7: "float32",
    8: "float64",
    12: "bool",
    13: "bfloat16",
}
"""The dtypes of weights by their numbers in the JSON."""
CONTIGUOUS = {1: "contiguous_format", 2: "channels_last", 3: "channels_last_3d", 4: "preserve_format"}
SAVE_AGAIN = "save it with `torch.export.save` of PyTorch 2.8 or later, from a module on the CPU"
MODEL = "models/model.json"


def archived(path: Path) -> Program:
    """The program of a file.

    Raises:
        CompileError: it is not such a file, it is damaged, or it needs unpickling (NS570).
        ModuleNotFoundError: PyTorch is not installed.
    """
    check_archive(path)
    _ = torch.__version__
    try:
        with zipfile.ZipFile(path) as archive:
            files = {name.partition("/")[2]: name for name in archive.namelist()}
            if MODEL not in files:
                raise bad_file(path, "there is no program of `torch.export` in it", SAVE_AGAIN)
            parts = _Parts(archive, files)
            return _program(parts)
    except _Pickled as error:
        raise bad_file(path, f"`{error}` in it is pickled, and reading that would execute code", SAVE_AGAIN) from error
    except (OSError, zipfile.BadZipFile, NotImplementedError, EOFError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise bad_file(path, reason_of(error), "check the file") from error
    except WRONG as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> Any:
    """The error (NS570) for content that is not as `torch.export.save` writes it."""
    text = (str(error).splitlines() or [""])[0][:80]
    return bad_file(path, f"its program is damaged, or newer than netspec: {type(error).__name__} {text}", SAVE_AGAIN)


class _Pickled(Exception):
    """A part is a pickle; its name."""


class _Parts:
    """The parts of an archive by their names in its folder."""

    def __init__(self, archive: zipfile.ZipFile, files: Mapping[str, str]) -> None:
        self.archive, self.files = archive, files

    def json(self, name: str) -> Any:
        return json.loads(self.archive.read(self.files[name]))

    def tensors(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Weights or constants, by their paths in the module."""
        name = f"data/{kind}/model_{kind}_config.json"
        for path, entry in (self.json(name)["config"] if name in self.files else {}).items():
            if entry["use_pickle"]:
                raise _Pickled(path)
            yield path, self._tensor(f"data/{kind}/{entry['path_name']}", entry["tensor_meta"])

    def _tensor(self, name: str, meta: Mapping[str, Any]) -> Any:
        content = bytearray(self.archive.read(self.files[name]))
        dtype = getattr(torch, DTYPES[meta["dtype"]])
        sizes, strides = ([int(size["as_int"]) for size in meta[key]] for key in ("sizes", "strides"))
        if math.prod(sizes) * dtype.itemsize > len(content) or min([0, *sizes, *strides]) < 0:
            raise ValueError(f"{name} has fewer numbers than its sizes say")
        if not math.prod(sizes):
            return torch.empty(sizes, dtype=dtype)
        flat = torch.frombuffer(content, dtype=dtype)
        return flat.as_strided(sizes, strides, int(meta["storage_offset"]["as_int"])).contiguous()


def _program(parts: _Parts) -> Program:
    module = parts.json(MODEL)["graph_module"]
    graph, signature = module["graph"], module["signature"]
    sizes = {name: _size(value) for name, value in graph["sym_int_values"].items()}
    shapes = {name: tuple(map(_size, meta["sizes"])) for name, meta in graph["tensor_values"].items()}
    stored = {**dict(parts.tensors("weights")), **dict(parts.tensors("constants"))}
    inputs: dict[str, str] = {}
    constants: dict[str, Any] = {}
    paths: dict[str, str] = {}
    for spec in signature["input_specs"]:
        ((kind, value),) = spec.items()
        if kind == "user_input":
            inputs[_input_name(value["arg"]["as_tensor"]["name"], inputs)] = str(value["arg"]["as_tensor"]["name"])
        elif kind in ("parameter", "buffer", "tensor_constant"):
            path = value[f"{kind}_name"]
            constants[str(value["arg"]["name"])], paths[str(value["arg"]["name"])] = stored[path], str(path)
        else:
            raise ValueError(f"it has an input of the kind {kind}")
    given = [
        spec["user_output"]["arg"]["as_tensor"]["name"] for spec in signature["output_specs"] if "user_output" in spec
    ]
    names = _output_names(module, len(given))
    calls = [call for node in graph["nodes"] for call in _calls(node, sizes)]
    outputs = [(name, str(value)) for name, value in zip(names, given, strict=True)]
    if not inputs or not outputs:
        raise ValueError("it has no inputs or no outputs")
    _check_order(calls, {*inputs.values(), *constants}, [value for _, value in outputs])
    return Program(inputs, constants, paths, *out_of_place(calls, outputs), shapes)


def _check_order(calls: list[Call], known: set[str], outputs: list[str]) -> None:
    """Raises ValueError for a call that reads what is not computed before it."""
    for call in calls:
        unknown = set(call.reads) - known
        if unknown:
            raise ValueError(f"{min(unknown)} is read before it is computed")
        known.add(call.name)
    if set(outputs) - known:
        raise ValueError("an output is not computed")


def _input_name(name: str, taken: Mapping[str, str]) -> str:
    text = "".join(c if c.isalnum() and c.isascii() else "_" for c in str(name))
    text = text if text[:1].isalpha() else f"x{text}"
    return text if text not in taken else f"{text}_{len(taken)}"


def _size(value: Mapping[str, Any]) -> int:
    """A size, which is that of the example for one that is not fixed."""
    found = value["as_int"] if "as_int" in value else value["as_expr"]["hint"]["as_int"]
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise ValueError(f"a size is {found!r}")
    return found


def _output_names(module: Mapping[str, Any], count: int) -> list[str]:
    """The keys of a dict of outputs, or numbers; empty for a single one."""
    if count == 1:
        return [""]
    signature = next((entry["signature"] for entry in module["module_call_graph"] if entry["fqn"] == ""), None)
    spec = json.loads(signature["out_spec"])[1] if signature else {}
    keys = json.loads(spec["context"]) if spec.get("type") == "builtins.dict" else []
    if len(keys) == count and all(isinstance(key, str) and key.isidentifier() for key in keys):
        return list(keys)
    return [f"output_{index}" for index in range(count)]


def _calls(node: Mapping[str, Any], sizes: Mapping[str, int]) -> Iterator[Call]:
    """The call of a node, and those that take its results apart."""
    outputs = node["outputs"]
    if all(set(output) & {"as_sym_int", "as_sym_bool", "as_sym_float", "as_none"} for output in outputs):
        return  # sizes are known
    space, target, overload = _target(node["target"])
    arguments = {str(given["name"]): _argument(given["arg"], sizes) for given in node["inputs"]}
    if space == "aten" and target in ALLOWED:
        schema = getattr(getattr(torch.ops.aten, target), overload)._schema
        arguments = {a.name: arguments.get(a.name, a.default_value) for a in schema.arguments}
    names = [found for output in outputs for found in _results(output)]
    is_one = len(outputs) == 1 and "as_tensor" in outputs[0]
    name = names[0] if is_one else f"{node.get('name') or target}_of_{names[0]}"
    target = target if space == "aten" else f"{space}.{target}"
    modules = tuple(_modules(str(node["metadata"].get("nn_module_stack", ""))))
    yield Call(str(name), target, overload, arguments, modules)
    for index, result in enumerate(() if is_one else names):
        yield Call(str(result), GETITEM, "", {"0": Ref(str(name)), "1": index}, modules)


def _target(text: str) -> tuple[str, str, str]:
    parts = str(text).split(".")
    if parts[:2] != ["torch", "ops"] or len(parts) != 5:
        return "python", parts[-1], ""
    return parts[2], parts[3], parts[4]


def _results(output: Mapping[str, Any]) -> list[str]:
    ((kind, value),) = output.items()
    if kind == "as_tensor":
        return [value["name"]]
    if kind == "as_tensors":
        return [item["name"] for item in value]
    raise ValueError(f"a result of the kind {kind}")


def _modules(text: str) -> Iterator[tuple[str, str]]:
    """The path and the class of each module around."""
    for entry in text.split(";"):
        parts = entry.split(",")
        if len(parts) >= 3:
            yield parts[1], parts[-1]


def _argument(given: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
    """The value of an argument."""
    ((kind, value),) = given.items()
    if kind == "as_none":
        return None
    if kind == "as_tensor":
        return Ref(str(value["name"]))
    if kind in ("as_tensors", "as_optional_tensors"):
        return [_optional(item) for item in value]
    if kind == "as_optional_tensor":
        return _optional(value)
    if kind == "as_sym_int":
        return _number(value, sizes)
    if kind == "as_sym_ints":
        return [_number(item, sizes) for item in value]
    if kind == "as_scalar_type":
        return getattr(torch, DTYPES[value])
    if kind == "as_memory_format":
        return getattr(torch, CONTIGUOUS[value])
    if kind == "as_layout":
        return torch.strided
    if kind == "as_device":
        return torch.device("cpu")
    if kind in ("as_int", "as_float", "as_bool", "as_string", "as_ints", "as_floats", "as_bools", "as_strings"):
        return value
    raise ValueError(f"an argument of the kind {kind}")


def _optional(item: Mapping[str, Any]) -> Ref | None:
    if "name" in item:
        return Ref(str(item["name"]))
    return Ref(str(item["as_tensor"]["name"])) if "as_tensor" in item else None


def _number(item: Mapping[str, Any], sizes: Mapping[str, int]) -> int:
    return sizes[item["as_name"]] if "as_name" in item else int(item["as_int"])
