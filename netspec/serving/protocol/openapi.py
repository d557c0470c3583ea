"""The addresses of the server as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0), with what each model takes.

Input: the models. Output: JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from netspec._version import __version__
from netspec.serving.models.served import Served
from netspec.serving.protocol.description import describe
from netspec.serving.protocol.inference import DTYPES

SUMMARY = """Predictions of networks that netspec has trained.

`/v2` is the [Open Inference Protocol](https://github.com/kserve/open-inference-protocol), version 2: tensors in,
tensors out. `/predict` takes what `netspec predict` takes, rows with names of columns, images, text or numbers, and
gives classes and values by name. An error is `{"error": "…"}` with what to send instead."""

ERRORS = {
    "400": "The request is not what the model takes; `error` says what to send.",
    "401": "The key is missing or wrong.",
    "404": "There is no such model or version; `error` has the nearest name.",
    "413": "The body is too large.",
    "415": "The body is of another type.",
    "429": "Too many requests are waiting; try again after `Retry-After` seconds.",
    "503": "The server has too many connections, or stops.",
    "504": "There was no result in time.",
}


def openapi(models: Iterable[Served], *, needs_key: bool) -> dict[str, Any]:
    """The document; `models` are the newest versions."""
    described = [describe(served, [served.version]) for served in models]
    schemas: dict[str, Any] = {
        "Error": _object({"error": {"type": "string"}}, ["error"]),
        "Tensor": _tensor(),
        "InferenceRequest": _object(
            {
                "id": {"type": "string"},
                "inputs": {"type": "array", "items": _ref("Tensor"), "minItems": 1},
                "outputs": {"type": "array", "items": _object({"name": {"type": "string"}}, ["name"])},
            },
            ["inputs"],
        ),
        "InferenceResponse": _object(
            {
                "id": {"type": "string"},
                "model_name": {"type": "string"},
                "model_version": {"type": "string"},
                "outputs": {"type": "array", "items": _ref("Tensor")},
            },
            ["model_name", "outputs"],
        ),
        "Predictions": _object(
            {
                "model": {"type": "string"},
                "version": {"type": "string"},
                "predictions": {"type": "array", "items": {"type": "object"}},
                "warnings": {"type": "array", "items": {"type": "string"}},
            },
            ["model", "version", "predictions"],
        ),
    }
    if any("generates" in one for one in described):
        schemas |= _generation()
    schemas |= {f"{one['name']}.inputs": _examples(one) for one in described}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "netspec serve", "version": __version__, "description": SUMMARY},
        "paths": _paths(described),
        "components": {"schemas": schemas},
    }
    if needs_key:
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
        document["security"] = [{"bearer": []}, {"header": []}]
    return document


def _paths(models: list[dict[str, Any]]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for model in models:
        name = model["name"]
        json_type = {"schema": _object({"inputs": _ref(f"{name}.inputs")}, ["inputs"])}
        types: dict[str, Any] = {"application/json": json_type | _example(model)}
        if model["takes"] == "image":
            types["image/png"] = types["image/jpeg"] = {"schema": {"description": "the bytes of the image"}}
        if model["takes"] == "sound":
            types["audio/wav"] = types["audio/flac"] = {"schema": {"description": "the bytes of the sound"}}
        if model["takes"] == "text":
            types["text/plain"] = {"schema": {"type": "string"}}
        paths[f"/models/{name}/predict"] = {
            "post": _operation(f"Predict with {name}: classes and values by name.", "Predictions", types)
        }
        if "generates" in model:
            body = {"application/json": {"schema": _ref("GenerateRequest")}}
            operation = _operation(f"Continue a prompt with {name}, as JSON or as server-sent events.", "Text", body)
            events = {"schema": {"type": "string", "description": "an event for each piece, and `done` at the end"}}
            operation["responses"]["200"]["content"]["text/event-stream"] = events
            paths[f"/models/{name}/generate"] = {"post": operation}
        tensors = {"application/json": {"schema": _ref("InferenceRequest")}}
        paths[f"/v2/models/{name}/infer"] = {
            "post": _operation(f"Compute the outputs of {name} for tensors.", "InferenceResponse", tensors)
        }
        paths[f"/v2/models/{name}"] = {"get": _operation(f"The inputs and outputs of {name}, with their shapes.")}
        paths[f"/v2/models/{name}/ready"] = {"get": _operation(f"Whether {name} is ready.")}
    for path, summary in {
        "/models": "All models that are served, and what an example of each is.",
        "/v2": "The name and the version of the server.",
        "/v2/health/live": "Whether the server runs.",
        "/v2/health/ready": "Whether it takes requests.",
    }.items():
        paths[path] = {"get": _operation(summary)}
    text = {"200": {"description": "As text.", "content": {"text/plain": {"schema": {"type": "string"}}}}}
    paths["/metrics"] = {"get": {"summary": "Counters for Prometheus.", "responses": text}}
    return paths


def _example(model: Mapping[str, Any]) -> dict[str, Any]:
    """An example of a request with rows; what others take is said in words."""
    if model["takes"] != "row":
        return {}
    row = {
        column["name"]: column["values"][0] if column.get("values") else round(column.get("mean", 1.5), 3)
        for column in model["columns"]
        if column["kind"] in ("number", "category")
    }
    return {"example": {"inputs": [row]}} if len(row) == len(model["columns"]) else {}


def _operation(summary: str, result: str | None = None, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    schema = _ref(result) if result is not None else {"type": "object"}
    responses = {"200": {"description": "OK", "content": {"application/json": {"schema": schema}}}}
    statuses = ERRORS if body is not None else {"401": ERRORS["401"]}
    error = {"application/json": {"schema": _ref("Error")}}
    responses |= {status: {"description": text, "content": error} for status, text in statuses.items()}
    found: dict[str, Any] = {"summary": summary, "responses": responses}
    return found | ({"requestBody": {"required": True, "content": dict(body)}} if body is not None else {})


def _examples(model: Mapping[str, Any]) -> dict[str, Any]:
    """What `inputs` of a model are: one example, or a list of them."""
    if model["takes"] == "row":
        one = _object({column["name"]: _cell(column) for column in model["columns"]}, [])
        one["required"] = [column["name"] for column in model["columns"]]
    elif model["takes"] == "image":
        one = {"type": "string", "contentEncoding": "base64", "description": _image_text(model["image"])}
    elif model["takes"] == "sound":
        one = {"type": "string", "contentEncoding": "base64", "description": _sound_text(model["sound"])}
    elif model["takes"] == "text":
        one = {"type": "string", "description": f"a text; its last {model['text']['length']} pieces are used"}
    elif len(model["inputs"]) > 1:
        shapes = {one["name"]: {"type": "array", "description": _shape_text(one["shape"])} for one in model["inputs"]}
        return _object(shapes, [*shapes])
    else:
        one = {"type": "array", "description": _shape_text(model["inputs"][0]["shape"])}
        return {"type": "array", "items": one}
    return {"oneOf": [one, {"type": "array", "items": one}]}


def _cell(column: Mapping[str, Any]) -> dict[str, Any]:
    if column["kind"] == "number":
        text = f"mean {column['mean']:.4g}, standard deviation {column['std']:.4g}" if "mean" in column else ""
        return {"type": ["number", "string", "null"]} | ({"description": text} if text else {})
    if column["kind"] == "category":
        return {"type": ["string", "number", "null"], "examples": column.get("values", [])[:8]}
    return {"type": ["string", "null"], "description": column.get("format", column["kind"])}


def _image_text(image: Mapping[str, Any]) -> str:
    colors = {1: "gray", 3: "colors", 4: "colors with transparency"}.get(image["channels"], "")
    return f"an image, which becomes {image['height'] or '?'} x {image['width'] or '?'} pixels, {colors}"


def _sound_text(sound: Mapping[str, Any]) -> str:
    return f"a WAV or FLAC file, of which the first {sound['seconds']:g} s are read, at {sound['rate']:,} Hz"


def _shape_text(shape: list[int]) -> str:
    sizes = " x ".join("?" if size < 0 else str(size) for size in shape[1:])
    return f"{sizes or 'single'} numbers for each example"


def _generation() -> dict[str, Any]:
    """What `/generate` takes and gives."""
    optional = {"temperature": "number", "top_k": "integer", "top_p": "number", "seed": "integer", "beams": "integer"}
    optional |= {"length_penalty": "number", "start": "integer", "stream": "boolean"}
    given: dict[str, Any] = {
        "prompt": {"description": "a text; ids for a network without a vocabulary"},
        "length": {"type": "integer", "default": 200},
        "stop": {"description": "a text or an id that ends it, or a list"},
        **{name: {"type": [kind, "null"]} for name, kind in optional.items()},
    }
    found: dict[str, Any] = {
        "model": {"type": "string"},
        "version": {"type": "string"},
        "text": {"type": "string"},
        "ids": {"type": "array", "items": {"type": "integer"}, "description": "of a network without a vocabulary"},
        "reason": {"enum": ["length", "stop", "window"], "description": "why it ends"},
        "count": {"type": "integer", "description": "how many ids it has"},
        "score": {"type": "number", "description": "of beam search"},
        "warnings": {"type": "array", "items": {"type": "string"}},
    }
    return {"GenerateRequest": _object(given, ["prompt"]), "Text": _object(found, ["model", "version", "reason"])}


def _tensor() -> dict[str, Any]:
    properties = {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "description": "examples first"},
        "datatype": {"enum": [*DTYPES]},
        "data": {"type": "array", "description": "numbers, row by row or nested"},
        "parameters": {"type": "object"},
    }
    return _object(properties, ["name", "shape", "datatype"])


def _object(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": required}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
