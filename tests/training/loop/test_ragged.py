"""Series of different lengths: padded steps are left out, as if each series were computed alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.compiler.syntax.formatter import format_source
from netspec.language.diagnostics import CompileError
from netspec.language.source import Source

SPEC = "input 9 steps(2, pad = true)\nlstm(4) -> mean_pool -> dense(1)\ndata { normalize = standard\n test = 0 }"


def ragged(count: int = 24) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.normal(2, 3, (length, 2)).astype(np.float32) for length in rng.integers(2, 8, count)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> netspec.Result:
    x = ragged()
    y = np.array([series.mean() for series in x], np.float32)
    return netspec.train(netspec.compile(SPEC), (x, y), epochs=2, runs=tmp_path_factory.mktemp("runs"))


def test_steps_without_padding_are_a_plain_shape() -> None:
    assert netspec.compile("input 24 steps(6)\nflatten -> dense(1)").inputs["x"].sizes == (24, 6)
    text = "input past: 24 steps(6, pad = true)\n\npast -> gru(3, return = last) -> dense(1)\n"
    assert format_source(Source("x.net", text)) == text
    durations = "input 4\ndense(2, softmax)\ntrain { schedule = warmup(500 steps) -> cosine }\n"
    assert netspec.check(durations) == []


def test_statistics_are_of_the_readings_alone(trained: netspec.Result) -> None:
    readings = np.concatenate(ragged())
    assert trained.model.preprocessing is not None
    (scale,) = trained.model.preprocessing.normalization.values()
    np.testing.assert_allclose(scale.mean, readings.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(scale.std, readings.std(axis=0), rtol=1e-5)


def test_each_series_is_as_alone(trained: netspec.Result) -> None:
    x = ragged()[:5]
    together = trained.model.predict(x).values
    alone = [trained.model.predict([series]).values[0] for series in x]
    np.testing.assert_allclose(together, alone, rtol=1e-5)
    np.testing.assert_allclose(trained.model.predict(x[0]).values[0], together[0], rtol=1e-5)
    zeros = np.concatenate([x[0], np.zeros((1, 2), np.float32)])  # a reading, not padding
    assert abs(trained.model.predict([zeros]).values[0, 0] - together[0, 0]) > 1e-6


@pytest.mark.oracle
def test_as_packed_sequences_of_pytorch(trained: netspec.Result) -> None:
    torch = pytest.importorskip("torch")
    x, model = ragged()[:6], trained.model
    assert model.preprocessing is not None
    (scale,) = model.preprocessing.normalization.values()
    (target,) = model.preprocessing.outputs.values()
    lstm, dense = torch.nn.LSTM(2, 4, batch_first=True), torch.nn.Linear(4, 1)
    weights = model.variables["params"]
    kernel, recurrent, bias = (
        np.asarray(weights["lstm"][name][...]) for name in ("kernel", "recurrent_kernel", "bias")
    )
    assert kernel.shape == (2, 16) and recurrent.shape == (4, 16)
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(torch.tensor(kernel.T))
        lstm.weight_hh_l0.copy_(torch.tensor(recurrent.T))
        lstm.bias_ih_l0.copy_(torch.tensor(bias))
        lstm.bias_hh_l0.zero_()
        dense.weight.copy_(torch.tensor(np.asarray(weights["dense"]["kernel"][...]).T))
        dense.bias.copy_(torch.tensor(np.asarray(weights["dense"]["bias"][...])))
        scaled = [torch.tensor((series - np.float32(scale.mean)) / np.float32(scale.std)) for series in x]
        packed = torch.nn.utils.rnn.pack_sequence(scaled, enforce_sorted=False)
        states, lengths = torch.nn.utils.rnn.pad_packed_sequence(lstm(packed)[0], batch_first=True)
        means = states.sum(dim=1) / lengths[:, None]
        expected = dense(means).numpy() * target.std[0] + target.mean[0]
    np.testing.assert_allclose(model.predict(x).values, expected, rtol=1e-4, atol=1e-5)


def test_losses_and_metrics_of_each_step_leave_the_padding_out(tmp_path: Path) -> None:
    x = ragged(12)
    y = [series.sum(axis=1) for series in x]
    model = netspec.compile("input 9 steps(2, pad = true)\ngru(3) -> dense(1)\ndata { test = 0\n val = last(25%) }")
    result = netspec.train(model, (x, y), epochs=1, runs=tmp_path)
    predicted = result.model.predict(x[9:]).values
    errors = [p[: len(t), 0] - t for p, t in zip(predicted, y[9:], strict=True)]
    found = result.metrics
    assert found["val_mae"] == pytest.approx(np.abs(np.concatenate(errors)).mean(), rel=1e-4)
    rmse = np.sqrt(np.square(np.concatenate(errors)).mean())
    assert found["val_rmse"] == pytest.approx(rmse, rel=1e-4)


def test_series_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    x = ragged()
    y = np.arange(len(x), dtype=np.float32) + 0.5
    for spec, code in (
        ("input 5 steps(2, pad = true)\ngru(3, return = last) -> dense(1)", "NS626"),
        ("input 7x2\ngru(3, return = last) -> dense(1)", "NS627"),
    ):
        with pytest.raises(CompileError) as refused:
            netspec.train(netspec.compile(spec), (x, y), epochs=1, runs=tmp_path)
        assert [d.code for d in refused.value.diagnostics] == [code]
        assert "steps(2, pad = true)" in refused.value.diagnostics[0].hint_text
    x[3][1, 0] = np.nan
    with pytest.raises(CompileError, match="series 3, step 1"):
        netspec.train(netspec.compile(SPEC), (x, y), epochs=1, runs=tmp_path)


@pytest.mark.parametrize("form", ["padded", "joined"])
def test_lengths_in_an_archive(form: str, tmp_path: Path, trained: netspec.Result) -> None:
    x = ragged()
    y = np.array([series.mean() for series in x], np.float32)
    padded = np.zeros((len(x), 7, 2), np.float32)
    for row, series in zip(padded, x, strict=True):
        row[: len(series)] = series
    given = padded if form == "padded" else np.concatenate(x)
    np.savez(tmp_path / "series.npz", x=given, y=y, lengths=[len(series) for series in x])
    (tmp_path / "net.net").write_text(SPEC.replace("data {", 'data { source = npz("series.npz")\n'))
    result = netspec.train(tmp_path / "net.net", epochs=2, runs=tmp_path / "runs")
    assert result.metrics["loss"] == pytest.approx(trained.metrics["loss"], rel=1e-6)


def test_onnx_carries_the_lengths(trained: netspec.Result, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    from netspec.cli.main import run

    assert run(["export", str(trained.run), "-o", str(tmp_path / "net.onnx")]) == 0
    session = runtime.InferenceSession(str(tmp_path / "net.onnx"))
    x = np.full((2, 9, 2), np.nan, np.float32)
    for row, series in zip(x, ragged(), strict=False):
        row[: len(series)] = series
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    np.testing.assert_allclose(found, trained.model.predict(ragged()[:2]).values, rtol=1e-4, atol=1e-5)
