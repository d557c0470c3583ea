"""The Open Inference Protocol, also as the client of Triton speaks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import netspec
from netspec.serving.start import Handle
from tests.serving.client import Client

X = np.random.default_rng(0).uniform(0, 1, (3, 8, 8, 1)).astype(np.float32)


def tensor(array: np.ndarray, name: str = "x", datatype: str = "FP32", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "shape": list(array.shape),
        "datatype": datatype,
        "data": array.ravel().tolist(),
        **changes,
    }


def infer(client: Client, inputs: list[dict[str, Any]], model: str = "digits", **more: Any) -> Any:
    return client.post(f"/v2/models/{model}/infer", {"inputs": inputs, **more})


def outputs_of(run: Path, inputs: Any) -> Any:
    return netspec.predict(run, inputs).outputs


def test_what_is_known_of_server_and_models(client: Client) -> None:
    assert client.get("/v2").json == {
        "name": "netspec",
        "version": netspec.__version__,
        "extensions": ["binary_tensor_data"],
    }
    assert client.get("/v2/health/live").json == {"live": True}
    assert client.get("/v2/health/ready").json == {"ready": True}
    assert client.get("/v2/models/digits/ready").json == {"name": "digits", "ready": True}
    metadata = client.get("/v2/models/digits").json
    assert metadata == client.get("/v2/models/digits/versions/1").json
    assert metadata["versions"] == ["1"] and metadata["name"] == "digits"
    assert metadata["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 8, 8, 1]}]
    assert metadata["outputs"] == [{"name": "output", "datatype": "FP32", "shape": [-1, 10]}]
    (letters,) = client.get("/v2/models/letters").json["inputs"]
    assert (letters["datatype"], letters["shape"]) == ("INT32", [-1, 4])


def test_tensors_flat_and_nested(client: Client, runs: dict[str, Path]) -> None:
    wanted = outputs_of(runs["digits"], X)["output"]
    flat = infer(client, [tensor(X)], id="a").json
    nested = infer(client, [tensor(X, data=X.tolist())], outputs=[{"name": "output"}]).json
    assert (flat["id"], flat["model_name"], flat["model_version"]) == ("a", "digits", "1")
    (output,) = flat["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("output", "FP32", [3, 10])
    np.testing.assert_allclose(np.reshape(output["data"], (3, 10)), wanted, rtol=1e-5, atol=1e-6)
    assert nested["outputs"] == flat["outputs"] and "id" not in nested


@pytest.mark.parametrize(
    ("datatype", "dtype"), [("FP64", "f8"), ("FP16", "f2"), ("UINT8", "u1"), ("INT64", "i8"), ("BOOL", "?")]
)
def test_other_data_types(client: Client, runs: dict[str, Path], datatype: str, dtype: str) -> None:
    array = (X * (200 if datatype == "UINT8" else 1)).astype(dtype)
    found = infer(client, [tensor(array, datatype=datatype)]).json["outputs"][0]["data"]
    wanted = outputs_of(runs["digits"], array)["output"]
    np.testing.assert_allclose(np.reshape(found, (3, 10)), wanted, rtol=1e-5, atol=1e-6)


def test_units_of_targets_and_token_ids(client: Client, runs: dict[str, Path]) -> None:
    rows = np.array([[3, 1], [30, 4]], np.float32)
    (name,) = (one["name"] for one in client.get("/v2/models/houses").json["inputs"])
    (output,) = infer(client, [tensor(rows, name)], "houses").json["outputs"]
    wanted = outputs_of(runs["houses"], rows)["output"]
    assert output["datatype"] == "FP64"
    np.testing.assert_allclose(np.reshape(output["data"], (2, 2)), wanted, rtol=1e-5)
    ids = np.array([[1, 2, 3, 4]], np.int32)
    (name,) = (one["name"] for one in client.get("/v2/models/letters").json["inputs"])
    (output,) = infer(client, [tensor(ids, name, "INT32")], "letters").json["outputs"]
    wanted = netspec.load(runs["letters"])(ids)
    np.testing.assert_allclose(np.reshape(output["data"], output["shape"]), wanted, rtol=1e-5, atol=1e-6)


def test_binary_data(client: Client, runs: dict[str, Path]) -> None:
    wanted = outputs_of(runs["digits"], X)["output"]
    given = {"name": "x", "shape": [3, 8, 8, 1], "datatype": "FP32", "parameters": {"binary_data_size": X.nbytes}}
    asked = {"name": "output", "parameters": {"binary_data": True}}
    head = msgspec.json.encode({"inputs": [given], "outputs": [asked]})
    answer = client.send(
        "POST",
        "/v2/models/digits/infer",
        head + X.tobytes(),
        Inference_Header_Content_Length=str(len(head)),
        Content_Type="application/octet-stream",
    )
    length = int(answer.headers["inference-header-content-length"])
    (output,) = msgspec.json.decode(answer.body[:length])["outputs"]
    assert output["parameters"] == {"binary_data_size": 3 * 10 * 4} and "data" not in output
    found = np.frombuffer(answer.body[length:], np.float32).reshape(3, 10)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_the_client_of_triton(server: Handle, runs: dict[str, Path]) -> None:
    triton = pytest.importorskip("tritonclient.http")
    client = triton.InferenceServerClient(server.url.removeprefix("http://"))
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("digits", "1")
    assert client.get_model_metadata("digits")["inputs"][0]["shape"] == [-1, 8, 8, 1]
    wanted = outputs_of(runs["digits"], X)["output"]
    for binary in (True, False):
        given = triton.InferInput("x", X.shape, "FP32").set_data_from_numpy(X, binary_data=binary)
        asked = triton.InferRequestedOutput("output", binary_data=binary)
        found = client.infer("digits", [given], outputs=[asked], request_id="7")
        np.testing.assert_allclose(found.as_numpy("output"), wanted, rtol=1e-5, atol=1e-6)
        assert found.get_response()["id"] == "7"
    with pytest.raises(Exception, match="did you mean `digits`"):
        client.infer("digit", [given])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "y"}, "unknown input `y`"),
        ({"shape": [3, 8, 8, 2]}, "its shape [3, 8, 8, 2] 384"),
        ({"shape": [3, 4, 16, 1]}, "it has the shape 4x16x1, the network takes 8x8x1"),
        ({"shape": [192]}, "has the shape [-1, 8, 8, 1] with examples first"),
        ({"shape": [0, 8, 8, 1], "data": []}, "no examples"),
        ({"shape": []}, "shape"),
        ({"shape": [-3, 8, 8, 1]}, "Expected `int` >= 0"),
        ({"shape": [1 << 40, 1 << 40, 8, 1]}, "192 numbers"),
        ({"shape": "3"}, "Expected `array`"),
        ({"datatype": "FP23"}, "FP16, FP32, FP64"),
        ({"datatype": "BYTES"}, "unknown data type"),
        ({"datatype": "INT32"}, "not numbers of INT32"),
        ({"datatype": "BOOL"}, "not numbers of BOOL"),
        ({"datatype": "UINT8", "data": [300] * 192}, "outside the range of UINT8"),
        ({"data": None}, "no data"),
        ({"data": [["a"]]}, "not numbers"),
        ({"data": [[1], [1, 2]]}, "not numbers"),
        ({"data": [None] * 192}, "not numbers"),
        ({"data": [1e39] * 192}, "infinite"),
        ({"parameters": {"binary_data_size": 768}}, "binary data"),
        ({"parameters": {"binary_data_size": "x"}}, "binary data"),
        ({"parameters": {"binary_data_size": True}}, "binary data"),
    ],
)
def test_wrong_tensors_say_what_is_wrong(client: Client, change: dict[str, Any], message: str) -> None:
    answer = infer(client, [{**tensor(X), **change}])
    assert answer.status == 400 and message in answer.json["error"], answer.body


def test_wrong_requests(client: Client) -> None:
    assert "unknown output" in infer(client, [tensor(X)], outputs=[{"name": "y"}]).json["error"]
    assert "given twice" in infer(client, [tensor(X), tensor(X)]).json["error"]
    assert "length >= 1" in infer(client, []).json["error"]
    assert "the input b is missing" in infer(client, [tensor(X[:, 0, :2, 0], "a")], "pair").json["error"]
    ids = np.array([[1, 2, 3, 500]], np.int32)
    (name,) = (one["name"] for one in client.get("/v2/models/letters").json["inputs"])
    assert "token ids from 0 to" in infer(client, [tensor(ids, name, "INT32")], "letters").json["error"]
    for length in ("x", "-1", "99999", "1" * 30, "²"):
        answer = client.post("/v2/models/digits/infer", {}, Inference_Header_Content_Length=length)
        assert answer.status == 400
