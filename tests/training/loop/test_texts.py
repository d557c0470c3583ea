"""Texts from a table or a folder to predictions: trained, predicted in every form, resumed, evaluated and reported."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.feature_extraction.text import CountVectorizer

import netspec
from netspec.cli.main import run
from netspec.runs.evaluate_predict import prepared_run

GOOD, BAD = ("great", "warm", "funny", "lovely"), ("dull", "flat", "slow", "awful")
NETWORK = "embedding(8) -> mean_pool -> dense(classes, softmax)"
TRAIN = "train { epochs = 12\nbatch = 16\noptimizer = adam(0.05) }"


def review(number: int) -> tuple[str, str]:
    words = (GOOD, BAD)[number % 2]
    rest = " ".join(("a", "film", "about", "cars")[: 1 + number % 4])
    return f"{words[number % 3].capitalize()}, {rest} and {words[3]}!", ("pos", "neg")[number % 2]


def write_table(path: Path, count: int = 96) -> None:
    rows = [(text, 2000 + i % 20, label) for i in range(count) for text, label in [review(i)]]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("Review Text", "year", "label"), *rows])


def json_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(scope="module")
def table_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    write_table(folder / "reviews.csv")
    source = 'csv("reviews.csv", target = "label", drop = "year", text = "Review Text")'
    (folder / "texts.net").write_text(f"{NETWORK}\ndata {{ source = {source}\nval = 10% }}\n{TRAIN}")
    return netspec.train(folder / "texts.net", runs=folder / "runs", verbose=0).run


def test_a_network_without_an_input_line_learns_and_skips_padding(table_run: Path) -> None:
    model = netspec.load(table_run)
    assert model.evaluate()["test_accuracy"] == 1.0
    (shape,) = model.inputs.values()
    assert shape.is_tokens and "mean_pool" in model.summary()
    ids = np.zeros((1, *shape.sizes), np.int32)
    ids[0, :2] = 3, 4
    table = np.asarray(model.module.embedding.embedding[...])
    expected = table[[3, 4]].mean(axis=0)  # padding is left out
    found = model.activations(ids, "mean_pool")[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_words_are_those_of_scikit_learn(table_run: Path) -> None:
    """Which words occur at least twice in the training split, counted by another program."""
    model = netspec.load(table_run)
    assert model.preprocessing is not None
    coder = model.preprocessing.encoder.texts["Review Text"]
    splits = prepared_run(table_run).splits
    texts = [review(i)[0] for i in splits.train_index.tolist()]
    counts = CountVectorizer(token_pattern=r"(?u)\w+|[^\w\s]").fit(texts)
    totals = np.asarray(counts.transform(texts).sum(axis=0)).reshape(-1)
    expected = {word for word, i in counts.vocabulary_.items() if totals[i] >= 2}
    assert {*coder.vocabulary[2:]} == expected


def test_every_form_of_a_text_is_predicted_alike(table_run: Path, tmp_path: Path) -> None:
    model = netspec.load(table_run)
    texts = ["A great, warm film!", 'flat and "awful",\nslow']
    (tmp_path / "a.txt").write_text(texts[0])
    (tmp_path / "b.txt").write_text(texts[1])
    frame = pd.DataFrame({"Review Text": texts, "other": [1, 2]})
    frame.to_csv(tmp_path / "new.csv", index=False)
    forms = [
        texts,
        np.array(texts),
        frame,
        frame["Review Text"],
        frame[["Review Text"]].rename(columns={"Review Text": "whatever"}),
        pl.Series(texts),
        {"Review Text": texts},
        [{"Review Text": text} for text in texts],
        [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")],
        str(tmp_path / "new.csv"),
        str(tmp_path),
    ]
    expected = model.predict(texts).probabilities
    assert [*model.predict(texts).classes] == ["pos", "neg"]
    for form in forms[:-1]:
        np.testing.assert_allclose(model.predict(form).probabilities, expected, rtol=1e-6)
    assert len(model.predict(forms[-1])) == 2
    assert [*model.predict("Great!").classes] == ["pos"] == [*model.predict({"Review Text": "Great!"}).classes]


def test_the_command_line(table_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", str(table_run), "a great, warm film", "Dull.", "--json"]) == 0
    lines = json_lines(capsys)
    assert [one["outputs"]["output"]["class"] for one in lines] == ["pos", "neg"]
    assert run(["predict", str(table_run), "zzz qqq", "great " * 50]) == 0
    warnings = capsys.readouterr().err
    assert "NS487" in warnings and 'only words such as "zzz qqq"' in " ".join(warnings.split())
    assert "NS612" in warnings and "has 50 words" in " ".join(warnings.split())
    for text, words in (("", "it is empty"), ("nothing.txt", "no such file"), ("nothing.csv", "no such file")):
        assert run(["predict", str(table_run), text]) == 1
        assert words in " ".join(capsys.readouterr().err.split())
    write_table(tmp_path / "other.csv", 20)
    assert run(["eval", str(table_run), "--data", str(tmp_path / "other.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["test_accuracy"] == 1.0


def test_a_resumed_run_continues_with_its_words(table_run: Path, tmp_path: Path) -> None:
    folder = table_run.parents[1]
    short = netspec.train(folder / "texts.net", runs=tmp_path, epochs=4, verbose=0)
    again = netspec.resume(short.run, epochs=12, verbose=0)
    whole, parts = netspec.load(table_run), netspec.load(again.run)
    expected, found = whole.predict("a great film").probabilities, parts.predict("a great film").probabilities
    np.testing.assert_array_equal(found, expected)
    assert whole.preprocessing == parts.preprocessing


def test_the_report_shows_texts_with_their_tokens(table_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    netspec.report(table_run).save(path)
    html = path.read_text(encoding="utf-8")
    assert "great , a film" in html or "great , a" in html  # a training example, without its padding
    assert "&lt;pad&gt;" not in html
    svg = netspec.look(table_run).saliency("a great, warm film").svg
    assert "great" in svg and "warm" in svg


def test_texts_beside_numbers(tmp_path: Path) -> None:
    write_table(tmp_path / "reviews.csv")
    network = (
        "input review_text: 8 tokens(40, pad = 0)\ninput numbers: 1\n"
        "((review_text -> embedding(8) -> mean_pool) | numbers) -> concat -> dense(classes, softmax)"
    )
    source = 'csv("reviews.csv", target = "label", per_column = of("Review Text", as = text(length = 8)))'
    (tmp_path / "two.net").write_text(f"{network}\ndata {{ source = {source}\nnormalize = standard }}\n{TRAIN}")
    result = netspec.train(tmp_path / "two.net", runs=tmp_path / "runs", verbose=0)
    assert result.metrics["test_accuracy"] == 1.0
    found = result.model.predict(pd.DataFrame({"Review Text": ["great!", "dull, slow"], "year": [2003, 2004]}))
    assert [*found.classes] == ["pos", "neg"]
    assert [*result.model.predict('"Great, great!",2004').classes] == ["pos"]
    netspec.report(result.run).save(tmp_path / "report.html")
    assert "great , a film" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_folder_of_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(60):
        text, label = review(number)
        (tmp_path / "films" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "films" / label / f"{number}.txt").write_text(text)
    (tmp_path / "films.net").write_text(f'{NETWORK}\ndata {{ source = texts("films") }}\n{TRAIN}')
    assert run(["train", str(tmp_path / "films.net"), "--runs", str(tmp_path / "runs")]) == 0
    folder = tmp_path / "runs" / "films-1"
    capsys.readouterr()
    assert run(["predict", str(folder), str(tmp_path / "films" / "pos"), "--json"]) == 0
    found = json_lines(capsys)
    assert {one["outputs"]["output"]["class"] for one in found} == {"pos"} and len(found) == 30
