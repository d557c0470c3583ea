"""The Open Inference Protocol, version 2: tensors in, tensors out.

https://github.com/kserve/open-inference-protocol, with the extension for binary data of Triton
(https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md).

Input: the body of an inference request. Output: arrays by input; and from the outputs of the network the response.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from math import prod
from typing import Annotated, Any

import msgspec
import numpy as np

from netspec._version import __version__
from netspec.language.corrections import suggest
from netspec.language.shape import Shape
from netspec.serving.http.messages import JSON, Request, Response
from netspec.serving.http.refusal import Refusal
from netspec.serving.models.served import Served

HEADER_LENGTH = "Inference-Header-Content-Length"
DTYPES = {
    "BOOL": "?",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
"""The data types of the protocol that are numbers, with the bytes of binary data."""
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
MAX_RANK = 8

Parameters = dict[str, str | int | float | bool]
Size = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class InputTensor(msgspec.Struct):
    """An input: `data` row by row or nested, or in the bytes after the JSON (`binary_data_size`)."""

    name: str
    shape: Annotated[list[Size], msgspec.Meta(min_length=1, max_length=MAX_RANK)]
    datatype: str
    parameters: Parameters = {}
    data: list[Any] | None = None


class RequestedOutput(msgspec.Struct):
    """An output that is wanted."""

    name: str
    parameters: Parameters = {}


class InferenceRequest(msgspec.Struct):
    """What is sent to `/v2/models/NAME/infer`."""

    inputs: Annotated[list[InputTensor], msgspec.Meta(min_length=1, max_length=64)]
    id: str | None = None
    parameters: Parameters = {}
    outputs: Annotated[list[RequestedOutput], msgspec.Meta(max_length=64)] = []


_decoder = msgspec.json.Decoder(InferenceRequest)


def decode_json(decoder: msgspec.json.Decoder[Any], body: bytes | memoryview, example: str) -> Any:
    """The value of a body; raises Refusal with what is wrong and an `example` of what to send."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refusal(400, f"{str(error)[:300]}; send {example}") from None


def read_request(request: Request, served: Served) -> tuple[InferenceRequest, dict[str, Any]]:
    """The request, and the arrays by input.

    Raises:
        Refusal: it is not one of the protocol, or has other inputs than the model.
    """
    if request.media_type not in ("", JSON, "application/octet-stream"):
        raise Refusal(415, f"send {JSON}, not {request.media_type[:60]}")
    body, binary = _split(request)
    asked: InferenceRequest = decode_json(_decoder, body, _example(served))
    wanted = dict(served.inputs)
    arrays: dict[str, Any] = {}
    for tensor in asked.inputs:
        if tensor.name not in wanted:
            raise Refusal(400, f"unknown input `{tensor.name[:60]}`; {suggest(tensor.name, wanted, what='inputs')}")
        if tensor.name in arrays:
            raise Refusal(400, f"the input {tensor.name} is given twice")
        arrays[tensor.name], binary = _array(tensor, wanted[tensor.name], binary)
    if missing := [name for name in wanted if name not in arrays]:
        raise Refusal(400, f"the input {missing[0]} is missing; send {_example(served)}")
    if len(binary):
        raise Refusal(400, f"the body has {len(binary)} bytes more than the inputs say")
    for output in asked.outputs:
        if output.name not in served.outputs:
            known = suggest(output.name, served.outputs, what="outputs")
            raise Refusal(400, f"unknown output `{output.name[:60]}`; {known}")
    return asked, arrays


def _split(request: Request) -> tuple[memoryview, memoryview]:
    """The JSON of a body, and the binary data after it."""
    body, header = memoryview(request.body), request.headers.get(HEADER_LENGTH.lower())
    if header is None:
        return body, body[len(body) :]
    if not (header.isascii() and header.isdecimal()) or len(header) > 12 or int(header) > len(body):
        raise Refusal(400, f"{HEADER_LENGTH} is the number of bytes of the JSON at the start of the body")
    return body[: int(header)], body[int(header) :]


def _array(tensor: InputTensor, shape: Shape, binary: memoryview) -> tuple[Any, memoryview]:
    """The array of an input, and the binary data that follow."""
    if tensor.datatype not in DTYPES:
        advice = suggest(tensor.datatype[:20], DTYPES, what="data types")
        raise Refusal(400, f"the input {tensor.name} has the unknown data type `{tensor.datatype[:20]}`; {advice}")
    dtype, count = np.dtype(DTYPES[tensor.datatype]), prod(tensor.shape)
    size = tensor.parameters.get("binary_data_size")
    if size is not None:
        if type(size) is not int or size != count * dtype.itemsize or size > len(binary):
            wanted = f"{count * dtype.itemsize} bytes for the shape {tensor.shape} of {tensor.datatype}"
            raise Refusal(400, f"the binary data of {tensor.name} are not {wanted}")
        array, rest = np.frombuffer(binary[:size], dtype), binary[size:]
    elif tensor.data is not None:
        array, rest = _numbers(tensor, dtype), binary
    else:
        raise Refusal(400, f"the input {tensor.name} has no data")
    if array.size != count:
        raise Refusal(400, f"the input {tensor.name} has {array.size} numbers, and its shape {tensor.shape} {count}")
    if len(tensor.shape) != shape.rank + 1:
        sizes = f"{_dimensions(shape)} with examples first"
        raise Refusal(400, f"the input {tensor.name} has the shape {sizes}, not {tensor.shape}")
    return array.reshape(tensor.shape), rest


def _numbers(tensor: InputTensor, dtype: Any) -> Any:
    """The numbers of JSON, which have to be some of the data type."""
    try:
        array = np.asarray(tensor.data).ravel()
    except ValueError:  # rows of unequal length
        array = np.array([None])
    allowed = {"f": "biuf", "i": "iu", "u": "iu", "b": "b"}[dtype.kind]
    if array.size and array.dtype.kind not in allowed:
        wanted = f"numbers of {tensor.datatype}, row by row or nested alike"
        raise Refusal(400, f"the data of {tensor.name} are not {wanted}")
    if array.size and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if int(array.min()) < limits.min or int(array.max()) > limits.max:
            raise Refusal(400, f"the data of {tensor.name} are outside the range of {tensor.datatype}")
    with np.errstate(over="ignore"):  # too large numbers become infinite, and are refused as such
        return array.astype(dtype)


def infer_response(served: Served, asked: InferenceRequest, outputs: Mapping[str, Any]) -> Response:
    """The response with the outputs that are wanted, all of them if none is named."""
    default = bool(asked.parameters.get("binary_data_output", False))
    wanted = asked.outputs or [RequestedOutput(name) for name in outputs]
    tensors: list[dict[str, Any]] = []
    blobs: list[bytes] = []
    for output in wanted:
        array = np.ascontiguousarray(outputs[output.name])
        name = NAMES.get(array.dtype.newbyteorder("<") if sys.byteorder == "big" else array.dtype, "FP32")
        tensor: dict[str, Any] = {"name": output.name, "datatype": name, "shape": list(array.shape)}
        if output.parameters.get("binary_data", default):
            blobs.append(array.astype(DTYPES[name], copy=False).tobytes())
            tensor["parameters"] = {"binary_data_size": len(blobs[-1])}
        else:
            tensor["data"] = array.ravel().tolist()
        tensors.append(tensor)
    head = {"model_name": served.name, "model_version": served.version}
    head |= {"id": asked.id} if asked.id is not None else {}
    text = msgspec.json.encode({**head, "outputs": tensors})
    if not blobs:
        return Response(200, text)
    return Response(200, b"".join([text, *blobs]), "application/octet-stream", {HEADER_LENGTH: str(len(text))})


# ---------------------------------------------------------------- what is known of server and models


def server_metadata() -> dict[str, Any]:
    return {"name": "netspec", "version": __version__, "extensions": ["binary_tensor_data"]}


def model_metadata(served: Served, versions: Sequence[str]) -> dict[str, Any]:
    """Inputs and outputs with their shapes; -1 is any size."""
    inputs = [
        {"name": name, "datatype": "INT32" if shape.is_tokens else "FP32", "shape": _dimensions(shape)}
        for name, shape in served.inputs.items()
    ]
    scaled = served.preprocessing.outputs
    outputs = [
        {"name": name, "datatype": "FP64" if name in scaled else "FP32", "shape": _dimensions(shape)}
        for name, shape in served.outputs.items()
    ]
    return {
        "name": served.name,
        "versions": list(versions),
        "platform": "netspec_jax",
        "inputs": inputs,
        "outputs": outputs,
    }


def _dimensions(shape: Shape) -> list[int]:
    return [-1, *(size if isinstance(size, int) else -1 for size in shape.sizes)]


def _example(served: Served) -> str:
    """An example of a request, for messages."""
    name, shape = next(iter(served.inputs.items()))
    kind = "INT32" if shape.is_tokens else "FP32"
    sizes = [1, *_dimensions(shape)[1:]]
    return f'{{"inputs": [{{"name": "{name}", "shape": {sizes}, "datatype": "{kind}", "data": […]}}]}}'
