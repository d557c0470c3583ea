"""Predictions with names: what `netspec predict` takes, without files, and what it prints.

Input: the body of a request to `/predict`. Output: encoded examples; and from the outputs of the network the response.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from netspec.data.formats.images import FORMATS, decode_picture
from netspec.data.predict.inputs import check_numbers
from netspec.data.predict.python_inputs import raw_inputs
from netspec.data.predict.rows import RawInputs, encode_texts, row_encoder, text_rows
from netspec.data.predict.sounds import sent_sounds
from netspec.data.predict.windows import columns_of
from netspec.data.transforms.encoders import Column, RowEncoder, TextEncoder, WindowEncoder
from netspec.data.transforms.mask_images import mask_png
from netspec.data.transforms.sounds.encoder import SoundEncoder
from netspec.language.diagnostics import CompileError
from netspec.language.files.regular_file import Limit
from netspec.language.text import unix_lines
from netspec.serving.http.messages import JSON, Request, Response
from netspec.serving.http.refusal import Refusal
from netspec.serving.models.served import Served
from netspec.serving.protocol.inference import decode_json

PNG = "image/png"
PIXELS = Limit("NETSPEC_MAX_SERVED_MEGAPIXELS", 25, "megapixels", 10**6)
"""The largest image in a request; a small file can announce any size."""
SAMPLES = Limit("NETSPEC_MAX_SERVED_MEGASAMPLES", 60, "million samples", 10**6)
"""The longest sound in a request, about 20 minutes of one channel at 44,100 Hz."""


class PredictRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What is sent to `/predict`: one example, or a list of them."""

    inputs: Any


_decoder = msgspec.json.Decoder(PredictRequest)


def read_examples(request: Request, served: Served) -> RawInputs:
    """The examples of a request, encoded as in training.

    Raises:
        Refusal: they are not what the model takes.
    """
    kind = request.media_type
    if served.takes_images and (kind.startswith("image/") or kind == "application/octet-stream"):
        return _images([request.body], served)
    if served.takes_sounds and (kind.startswith("audio/") or kind == "application/octet-stream"):
        return _sounds([request.body], served)
    if served.takes_text and kind == "text/plain":
        return _texts([_text(request.body)], served)
    if not request.may_be_json:
        others = ["an image (image/png)"] if served.takes_images else ["text/plain"] if served.takes_text else []
        others = ["a sound (audio/wav)"] if served.takes_sounds else others
        raise Refusal(415, f"send {' or '.join([JSON, *others])}, not {kind[:60]}")
    return _from_json(decode_json(_decoder, request.body, example_of(served)).inputs, served)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refusal(400, "the text is not UTF-8") from None


def _from_json(value: Any, served: Served) -> RawInputs:
    """Examples from plain values. A text is never the name of a file, as it is for `netspec.predict`."""
    served.check_count(_count(value))
    if isinstance(served.preprocessing.encoder, RowEncoder) and not served.takes_rows:
        return _images_by_input(value, served)
    if served.takes_text and _are_texts(value):
        return _texts([value] if isinstance(value, str) else value, served)
    if served.takes_images and _are_texts(value):
        return _images([_base64(one) for one in ([value] if isinstance(value, str) else value)], served)
    if served.takes_sounds and _are_texts(value):
        return _sounds([_base64(one, *SOUND) for one in ([value] if isinstance(value, str) else value)], served)
    if isinstance(value, list) and value and all(isinstance(one, str | None) for one in value):
        value = [value]  # a row of texts
    if not isinstance(value, list | dict) or (_has_text(value) and not served.takes_rows):
        raise Refusal(400, f"the inputs are not what {served.name} takes; send {example_of(served)}")
    return raw_inputs(value, served.inputs, served.preprocessing)


def _count(value: Any) -> int:
    """How many examples there are, where that can be seen; arrays are as large as their text, and counted later."""
    if isinstance(value, Mapping):
        return max((len(cells) for cells in value.values() if isinstance(cells, list)), default=1)
    is_list = isinstance(value, list) and value != [] and not isinstance(value[0], int | float)
    return len(value) if is_list and (not isinstance(value[0], list) or _has_text(value[:1])) else 1


def _are_texts(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)
    )


def _has_text(value: Any) -> bool:
    """Whether there is a text somewhere in nested lists and dicts."""
    if isinstance(value, Mapping):
        value = list(value.values())
    return isinstance(value, str) or (isinstance(value, list) and any(map(_has_text, value)))


def _texts(texts: Sequence[str], served: Served) -> RawInputs:
    encoder = served.preprocessing.encoder
    if isinstance(encoder, RowEncoder):
        return text_rows(texts, _numbered("text", texts), served.inputs, encoder)
    assert isinstance(encoder, TextEncoder)
    plain = [unix_lines(text) for text in texts]  # as in training
    return encode_texts(plain, _numbered("text", texts), next(iter(served.inputs)), encoder)


def _images_by_input(value: Any, served: Served) -> RawInputs:
    """Images in base64 for each of several inputs: one example, a list of them, or a list of images by input."""
    is_one = isinstance(value, Mapping)
    columns = _image_columns(served)
    if not columns:
        path = f"/v2/models/{served.name}/infer"
        raise Refusal(400, f"rows of {served.name} name images, which are files; send their pixels to {path}")
    examples = [value] if is_one else value
    if not isinstance(examples, list) or any(not isinstance(e, Mapping) or e.keys() != {*columns} for e in examples):
        raise Refusal(400, f"the inputs are not what {served.name} takes; send {example_of(served)}")
    found: dict[str, Any] = {}
    for column, name in columns.items():
        cells = [cell for e in examples for cell in (e[column] if isinstance(e[column], list) else [e[column]])]
        if not cells or not _are_texts(cells):
            raise Refusal(400, f"the inputs are not what {served.name} takes; send {example_of(served)}")
        found[name] = _decoded([_base64(cell) for cell in cells])
    return raw_inputs(found, served.inputs, served.preprocessing)


def _image_columns(served: Served) -> dict[str, str]:
    """From columns of images to inputs of the network; empty where there are other columns."""
    encoder = served.preprocessing.encoder
    if not isinstance(encoder, RowEncoder) or {*encoder.images} != {column.name for column in encoder.columns}:
        return {}
    inputs = {raw: name for name, raw in served.preprocessing.raw_names.items()}
    return {column.name: inputs[name] for name, column in encoder.own_inputs() if name in inputs}


def _images(contents: Sequence[bytes], served: Served) -> RawInputs:
    return raw_inputs(_decoded(contents), served.inputs, served.preprocessing)


def _decoded(contents: Sequence[bytes]) -> list[Any]:
    """The images in files that were sent."""
    names, pixels = _numbered("image", contents), 0
    images = []
    for name, content in zip(names, contents, strict=True):
        try:
            images.append(decode_picture(content, name, PIXELS).image)
            pixels += images[-1].width * images[-1].height
            PIXELS.check(Path(name), pixels, "all images together have {size}")
        except OSError as error:
            reason = error.strerror or "not an image"
            raise Refusal(400, f"{name} cannot be read: {reason}; send {', '.join(FORMATS)}") from None
    return images


def _sounds(contents: Sequence[bytes], served: Served) -> RawInputs:
    encoder = served.preprocessing.encoder
    assert isinstance(encoder, SoundEncoder)
    try:
        raw = sent_sounds(contents, next(iter(served.inputs)), encoder, SAMPLES)
    except OSError as error:
        raise Refusal(400, f"{error.filename} cannot be read: {error.strerror}; send a WAV or FLAC file") from None
    raw.warnings += check_numbers(raw, served.inputs, served.preprocessing)
    return raw


SOUND = ("a sound", "audio/wav")


def _base64(text: str, what: str = "an image", kind: str = PNG) -> bytes:
    """The bytes of an image or a sound in base64, also as a `data:` URL of a browser."""
    try:
        return base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, f"{what} is a text in base64, or the body of a request with Content-Type: {kind}") from None


def _numbered(what: str, values: Sequence[object]) -> list[str]:
    return [f"{what} {number}" for number in range(1, len(values) + 1)]


def predict_response(served: Served, raw: RawInputs, outputs: Mapping[str, Any], accept: str = "") -> Response:
    """The predictions, one for each example; or the mask of a single image as a PNG, where the request accepts that."""
    found = served.predictions(raw, outputs)
    masks = [one["mask"] for one in found.examples[0]["outputs"].values() if "mask" in one]
    if accept.partition(";")[0].strip().lower() == PNG and len(masks) == len(found) == 1:
        return Response(200, mask_png(masks[0]), PNG)
    examples = [{key: value for key, value in one.items() if key != "input"} for one in found.to_dicts()]
    content: dict[str, Any] = {"model": served.name, "version": served.version, "predictions": examples}
    if raw.warnings:
        content["warnings"] = [f"{warning.message}; {warning.hint_text}" for warning in raw.warnings]
    return Response(200, msgspec.json.encode(content))


def message_of(error: CompileError) -> str:
    """A diagnostic as one line; rows of JSON are read as those of a data frame."""
    first = error.diagnostics[0]
    text = f"{first.message}; {first.hint_text}" if first.hint_text else first.message
    return text.replace("the data frame row", "row")


def example_of(served: Served) -> str:
    """An example of a request, for messages and documents."""
    if served.takes_text:
        return '{"inputs": ["some text"]}'
    if served.takes_rows:
        return f'{{"inputs": [{{{", ".join(_cells(served))}}}]}}'
    if served.takes_images:
        return '{"inputs": ["iVBORw0KGgo…"]}, images in base64, or an image as the body (Content-Type: image/png)'
    if served.takes_sounds:
        return '{"inputs": ["UklGRiQA…"]}, sounds in base64, or a sound as the body (Content-Type: audio/wav)'
    if columns := _image_columns(served):
        cells = ", ".join(f'"{name}": "iVBORw0KGgo…"' for name in columns)
        return f'{{"inputs": [{{{cells}}}]}}, images in base64'
    if len(served.inputs) > 1:
        return f'{{"inputs": {{{", ".join(f"{chr(34)}{name}{chr(34)}: […]" for name in served.inputs)}}}}}'
    return '{"inputs": [[0.1, 0.2, …]]}, a list of numbers for each example'


def _cells(served: Served) -> list[str]:
    encoder = served.preprocessing.encoder
    columns = row_encoder(served.inputs, served.preprocessing).columns
    if isinstance(encoder, WindowEncoder):
        known = {column.name: column for column in columns}
        columns = tuple(known.get(name, Column(name, ("…",))) for name in columns_of(encoder))
    cells = [f'"{c.name}": {_cell(c)}' for c in columns[:12]]
    return [*cells, *(["…"] if len(columns) > 12 else [])]


def _cell(column: Column) -> str:
    """An example of a cell."""
    return '"some text"' if column.kind == "text" else f'"{column.values[0]}"' if column.values else "1.5"
