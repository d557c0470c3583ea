"""The addresses of the server, and what each does.

Input: requests. Output: responses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from netspec.data.predict.rows import RawInputs
from netspec.serving.app import App, Handler, Route
from netspec.serving.http.connection import Exchange
from netspec.serving.http.messages import Response
from netspec.serving.metrics import CONTENT_TYPE, memory_in_use
from netspec.serving.models.batching import Outputs
from netspec.serving.models.served import Served
from netspec.serving.page.site import HTML, docs_page, page, style_page
from netspec.serving.protocol.description import describe
from netspec.serving.protocol.examples import predict_response, read_examples
from netspec.serving.protocol.inference import infer_response, model_metadata, read_request, server_metadata
from netspec.serving.protocol.openapi import openapi


def _json(value: Any, status: int = 200) -> Response:
    return Response(status, msgspec.json.encode(value))


def _served(app: App, names: Mapping[str, str]) -> Served:
    return app.registry.find(names["model"], names.get("version")) if "model" in names else app.registry.only()


def _infer(app: App, exchange: Exchange, names: Mapping[str, str]) -> None:
    served = _served(app, names)

    def read() -> tuple[RawInputs, Callable[[Outputs], Response]]:
        asked, arrays = read_request(exchange.request, served)
        return served.tensors(arrays), lambda outputs: infer_response(served, asked, outputs)

    app.predict(exchange, served, read)


def _predict(app: App, exchange: Exchange, names: Mapping[str, str]) -> None:
    served = _served(app, names)

    def read() -> tuple[RawInputs, Callable[[Outputs], Response]]:
        raw = served.checked(read_examples(exchange.request, served))
        accept = exchange.request.headers.get("accept", "")
        return raw, lambda outputs: predict_response(served, raw, outputs, accept)

    app.predict(exchange, served, read)


def _generate(app: App, exchange: Exchange, names: Mapping[str, str]) -> None:
    app.generate(exchange, _served(app, names))


def _model(app: App, exchange: Exchange, names: Mapping[str, str]) -> None:
    served = _served(app, names)
    exchange.finish(_json(model_metadata(served, [*app.registry.models[served.name]])))


def _model_ready(app: App, exchange: Exchange, names: Mapping[str, str]) -> None:
    served = _served(app, names)
    exchange.finish(_json({"name": served.name, "ready": app.is_ready}, 200 if app.is_ready else 503))


def _server(app: App, exchange: Exchange, names: Mapping[str, str]) -> None:
    exchange.finish(_json(server_metadata()))


def _live(app: App, exchange: Exchange, names: Mapping[str, str]) -> None:
    exchange.finish(_json({"live": True}))


def _ready(app: App, exchange: Exchange, names: Mapping[str, str]) -> None:
    exchange.finish(_json({"ready": app.is_ready}, 200 if app.is_ready else 503))


def _metrics(app: App, exchange: Exchange, names: Mapping[str, str]) -> None:
    waiting = {(("model", s.name), ("version", s.version)): float(s.waiting) for s in app.registry}
    gauges: dict[str, Any] = {
        "netspec_requests_waiting": ("Requests that were taken and not answered yet.", waiting),
        "netspec_connections": ("Open connections.", {(): len(app.hub.open)}),
        "netspec_connections_refused": ("Connections that were too many, since the start.", {(): app.hub.refused}),
        "netspec_memory_bytes": ("Memory of the process.", {(): memory_in_use()}),
    }
    exchange.finish(Response(200, app.metrics.text(gauges).encode(), CONTENT_TYPE))


def _models(app: App, exchange: Exchange, names: Mapping[str, str]) -> None:
    found = [describe(app.registry.latest(name), [*versions]) for name, versions in app.registry.models.items()]
    exchange.finish(_json({"models": found}))


def _openapi(app: App) -> dict[str, Any]:
    return openapi(map(app.registry.latest, app.registry.models), needs_key=app.key is not None)


def _page(name: str, media_type: str) -> Handler:
    return lambda app, exchange, names: exchange.finish(page(name, media_type))


_MODEL = ("v2", "models", "{model}")
_VERSION = (*_MODEL, "versions", "{version}")

ROUTES = (
    Route("POST", (*_MODEL, "infer"), _infer),
    Route("POST", (*_VERSION, "infer"), _infer),
    Route("POST", ("predict",), _predict),
    Route("POST", ("models", "{model}", "predict"), _predict),
    Route("POST", ("models", "{model}", "versions", "{version}", "predict"), _predict),
    Route("POST", ("generate",), _generate),
    Route("POST", ("models", "{model}", "generate"), _generate),
    Route("POST", ("models", "{model}", "versions", "{version}", "generate"), _generate),
    Route("GET", ("v2",), _server),
    Route("GET", ("v2", "health", "live"), _live, is_open=True),
    Route("GET", ("v2", "health", "ready"), _ready, is_open=True),
    Route("GET", _MODEL, _model),
    Route("GET", _VERSION, _model),
    Route("GET", (*_MODEL, "ready"), _model_ready),
    Route("GET", (*_VERSION, "ready"), _model_ready),
    Route("GET", ("metrics",), _metrics),
    Route("GET", ("models",), _models),
    Route("GET", ("openapi.json",), lambda app, exchange, names: exchange.finish(_json(_openapi(app)))),
    Route("GET", ("docs",), lambda app, exchange, names: exchange.finish(docs_page(_openapi(app)))),
    Route("GET", ("",), _page("index.html", HTML)),
    Route("GET", ("page.js",), _page("page.js", "text/javascript; charset=utf-8")),
    Route("GET", ("page.css",), lambda app, exchange, names: exchange.finish(style_page())),
)
