"""Texts of language models over HTTP: whole as JSON, or piece by piece as server-sent events.

Input: the body of a request to `/generate`. Output: a `Generation`; and from its pieces the bytes to send
(https://html.spec.whatwg.org/multipage/server-sent-events.html).
"""

from __future__ import annotations

from typing import Any

import msgspec

from netspec.runs.generation.generate import open_generation, settings_of
from netspec.runs.generation.generator import Generation
from netspec.serving.http.messages import JSON, Request
from netspec.serving.http.refusal import Refusal
from netspec.serving.models.served import Served
from netspec.serving.protocol.inference import decode_json

EVENTS = "text/event-stream"
MAX_LENGTH, MAX_BEAMS = 4096, 16
"""Of a request."""


class GenerateRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What is sent to `/generate`, as the arguments of `netspec.generate`."""

    prompt: Any
    length: int = 200
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None
    beams: int | None = None
    length_penalty: float | None = None
    stop: str | int | list[str | int] = []
    start: int | None = None
    stream: bool | None = None


_decoder = msgspec.json.Decoder(GenerateRequest)


def read_generation(request: Request, served: Served) -> tuple[Generation, bool]:
    """What a request asks for, of which nothing is computed yet; and whether it wants the pieces as they come.

    Raises:
        Refusal: it is not what the model takes.
        CompileError: the model is not a language model, or does not take the prompt.
    """
    if not request.may_be_json:
        raise Refusal(415, f"send {JSON}, not {request.media_type[:60]}")
    asked = decode_json(_decoder, request.body, '{"prompt": "…", "length": 200}')
    if asked.length > MAX_LENGTH or (asked.beams or 0) > MAX_BEAMS:
        raise Refusal(413, f"a request has at most a `length` of {MAX_LENGTH} and {MAX_BEAMS} `beams`")
    options = {name: getattr(asked, name) for name in asked.__struct_fields__}
    prompt, start, stream = (options.pop(name) for name in ("prompt", "start", "stream"))
    try:
        generation = open_generation(served.model, prompt, settings_of(**options), start)
    except (TypeError, ValueError) as error:
        if hasattr(error, "diagnostics"):
            raise
        raise Refusal(400, str(error)) from None
    accepts_events = EVENTS in request.headers.get("accept", "")
    return generation, accepts_events if stream is None else stream


def event(piece: Any) -> bytes:
    """An event with a piece: `{"text": "…"}`, or `{"id": 5}` of a model without a vocabulary."""
    return _event("", {"text": piece} if isinstance(piece, str) else {"id": piece})


def last_event(generation: Generation) -> bytes:
    """The event after the last piece, `done`."""
    return _event("event: done\n", _facts(generation))


def error_event(message: str) -> bytes:
    """The event of a text that cannot be completed."""
    return _event("event: error\n", {"error": message})


def whole_text(served: Served, generation: Generation, pieces: list[Any]) -> bytes:
    """The response without events."""
    is_text = generation.of.vocabulary is not None
    result = {"text": "".join(pieces)} if is_text else {"ids": pieces}
    facts = _facts(generation)
    return msgspec.json.encode({"model": served.name, "version": served.version, **result, **facts})


def _event(name: str, value: Any) -> bytes:
    return name.encode() + b"data: " + msgspec.json.encode(value) + b"\n\n"


def _facts(generation: Generation) -> dict[str, Any]:
    score = {} if generation.score is None else {"score": generation.score}
    told = {"warnings": [warning.message for warning in generation.warnings]} if generation.warnings else {}
    return {"reason": generation.reason, "count": len(generation.ids), **score, **told}
