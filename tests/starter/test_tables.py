"""What `netspec new` sees in tables, and what it writes for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_iris

import netspec
from netspec.starter.draft import Draft
from netspec.starter.start import draft_spec

ROWS = 60
COUNT = [*range(ROWS)]


def write(folder: Path, columns: dict[str, Sequence[object]], name: str = "table.csv", delimiter: str = ",") -> Path:
    rows = zip(*columns.values(), strict=True)
    lines = [delimiter.join(columns), *(delimiter.join(map(str, row)) for row in rows)]
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Draft]:
    """The draft for a table with the given columns besides two that can be learned from, which has to be correct."""
    monkeypatch.chdir(tmp_path)

    def make(target: str = "price", delimiter: str = ",", **columns: Sequence[object]) -> Draft:
        random = np.random.default_rng(0)
        known: dict[str, Sequence[object]] = {"area": random.normal(80, 20, ROWS).round(1).tolist()}
        known |= {"price": random.normal(300, 50, ROWS).round(2).tolist(), **columns}
        write(tmp_path, known, delimiter=delimiter)
        found = draft_spec(Path("table.csv"), target, "accuracy", Path("table.net"))
        assert [problem for problem in netspec.check(found.text) if problem.is_error] == []
        return found

    return make


def codes(call: Callable[[], object]) -> list[str]:
    with pytest.raises(netspec.CompileError) as error:
        call()
    return [problem.code for problem in error.value.diagnostics]


def test_columns_from_which_nothing_can_be_learned_are_left_out(draft: Callable[..., Draft]) -> None:
    random = np.random.default_rng(1)
    found = draft(
        house_id=random.permutation(1000)[:ROWS].tolist(),
        country=["Peru"] * ROWS,
        owner=[f"Ann {i * 7919 % 1000}" for i in COUNT],
        row=COUNT,
        note=[""] * ROWS,
    )
    assert 'drop = ["house_id", "country", "owner", "row", "note"]' in " ".join(found.text.split()).replace(
        "[ ", "["
    ).replace(", ]", "]")
    reasons = "\n".join(found.findings)
    for name, reason in (("house_id", "identifies"), ("country", "same value"), ("owner", "another name"),
                         ("row", "counts the rows"), ("note", "is empty")):  # fmt: skip
        assert f"`{name}` " in reasons
        assert reason in reasons


def test_columns_that_say_the_target_are_left_out(draft: Callable[..., Draft]) -> None:
    random = np.random.default_rng(0)
    random.normal(80, 20, ROWS)
    price = random.normal(300, 50, ROWS).round(2)
    found = draft(cents=(price * 100).round().astype(int).tolist(), copy=price.tolist())
    assert "`cents` is the target in another unit" in "\n".join(found.findings)
    assert "`copy` is a copy of the target" in "\n".join(found.findings)
    assert "cents" in found.text.partition("drop =")[2]


def test_a_code_of_the_class_is_a_leak(draft: Callable[..., Draft]) -> None:
    kind = ["ab"[i % 2] for i in COUNT]
    found = draft(target="kind", kind=kind, code=[{"a": 17, "b": 4}[k] for k in kind])
    assert "`code` says the target in other words" in "\n".join(found.findings)
    assert "dense(1, sigmoid)" in found.text


def test_dates_missing_values_and_marks(draft: Callable[..., Draft]) -> None:
    found = draft(
        built=[f"{1950 + i}-0{1 + i % 9}-1{i % 10}" for i in COUNT],
        sold=[f"0{1 + i % 9}/0{1 + i % 7}/2001" for i in COUNT],
        rooms=["" if i % 10 == 0 else i % 7 for i in COUNT],
        baths=["unknown" if i % 9 == 0 else i % 3 for i in COUNT],
    )
    assert 'of("built", as = date)' in found.text
    assert 'of("sold", as = date("%d/%m/%Y"))' in found.text
    assert "missing = median" in found.text
    assert 'absent = "unknown"' in found.text
    seen = "\n".join(found.findings)
    assert "`sold` can be read in several ways" in seen
    assert "`rooms` (6)" in seen


def test_many_categories_have_an_embedding(draft: Callable[..., Draft]) -> None:
    found = draft(town=[f"t{i % 29}" for i in COUNT], state=["xyz"[i % 3] for i in COUNT])
    assert 'categories = "state"' in found.text
    assert 'of("town", as = category(ids))' in found.text
    assert "input town: tokens(30)" in found.text
    assert "embedding(" in found.text


def test_rare_classes_have_weights_and_other_metrics(draft: Callable[..., Draft]) -> None:
    found = draft(target="kind", kind=["rare" if i in (3, 40) else "usual" for i in COUNT])
    assert "class_weights = balanced" in found.text
    assert "balanced_accuracy" in found.text
    even = draft(target="kind", kind=["ab"[i % 2] for i in COUNT])
    assert "class_weights" not in even.text
    assert "metrics" not in even.text


def test_long_tails_have_a_loss_for_them(draft: Callable[..., Draft]) -> None:
    incomes = np.exp(np.random.default_rng(3).normal(8, 1.2, ROWS)).round(1)
    assert "huber" in draft(target="income", income=incomes.tolist()).text
    assert "huber" not in draft().text


def test_a_target_with_gaps_loses_these_rows(draft: Callable[..., Draft]) -> None:
    found = draft(target="score", score=["NA" if i < 5 else i * 1.5 for i in COUNT])
    assert 'of("score", as = number, missing = drop)' in found.text
    assert "5 rows without it" in found.findings[0]


def test_files_that_are_written_in_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    german = ["größe;miete", *(f"{i % 37},{i % 10};1.{i % 900 + 100},5" for i in range(100, 160))]
    Path("wohnungen.csv").write_text("\n".join(german), encoding="cp1252")
    text = netspec.new("wohnungen.csv", target="miete")
    for option in ('delimiter = ";"', 'encoding = "cp1252"', 'decimal = ","', 'thousands = "."'):
        assert option in text
    assert netspec.check(text) == []
    numbers = [f"{i * 7919 % 100 / 10},{i * 104729 % 1000 / 10},{i % 2}" for i in COUNT]
    Path("plain.csv").write_text("\n".join(numbers), encoding="utf-8")
    assert "header = none" in netspec.new("plain.csv", target="column_3")


def test_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x = [i * 7919 % 101 / 10 for i in COUNT]
    write(tmp_path, {"x": x, "price": x[::-1], "same": ["7"] * ROWS, "name": [f"n{i}" for i in COUNT]})
    new = netspec.new
    assert codes(lambda: new("table.csv")) == ["NS660"]
    assert codes(lambda: new("table.csv", target="prize")) == ["NS660"]
    assert codes(lambda: new("tabel.csv", target="price")) == ["NS661"]
    assert codes(lambda: new("table.csv", target="same")) == ["NS662"]
    assert codes(lambda: new("table.csv", target="name")) == ["NS662"]
    write(tmp_path, {"price": x[:1], "x": x[:1]}, "one.csv")
    assert codes(lambda: new("one.csv", target="price")) == ["NS662"]
    write(tmp_path, {"price": x}, "alone.csv")
    assert codes(lambda: new("alone.csv", target="price")) == ["NS664"]
    with pytest.raises(ValueError, match="goal"):
        new("table.csv", target="price", goal="best")
    with pytest.raises(netspec.CompileError, match="--target price"):
        new("table.csv")
    with pytest.raises(netspec.CompileError, match="did you mean `price`"):
        new("table.csv", target="prize")


def test_goals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    iris = load_iris(as_frame=True).frame
    iris.to_csv("iris.csv", index=False)
    sizes = {}
    for goal in ("accuracy", "small", "fast"):
        text = netspec.new("iris.csv", target="target", goal=goal)
        model = netspec.compile(text)
        sizes[goal] = int(model.summary().partition("trainable parameters")[2].split()[0].replace(",", ""))
        assert ("--goal" in text) == (goal != "accuracy")
    assert sizes["small"] < sizes["fast"] < sizes["accuracy"]


def test_series_become_forecasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    days = np.datetime64("2023-01-01") + np.arange(400)
    noise = np.random.default_rng(0).normal(0, 3, 400)
    sales = (100 + 20 * np.sin(np.arange(400) * 2 * np.pi / 7) + noise).round(2)
    write(tmp_path, {"day": days.tolist(), "sales": sales.tolist()}, "sales.csv")
    text = netspec.new("sales.csv", target="sales")
    for part in ("windows(", "ahead = 7", "season = 7", 'time = "day"', "known = "):
        assert part in text
    assert text.count("= last(15%)") == 2
    assert netspec.check(text) == []
    two = {"day": [*days.tolist()] * 2, "shop": ["a"] * 400 + ["b"] * 400, "sales": [*sales.tolist()] * 2}
    write(tmp_path, two, "shops.csv")
    assert 'group = "shop"' in netspec.new("shops.csv", target="sales")
    shuffled = np.random.default_rng(0).permutation(400)[:200]
    write(tmp_path, {"day": days[shuffled].tolist(), "sales": sales[shuffled].tolist()}, "some.csv")
    assert "csv(" in netspec.new("some.csv", target="sales")


def recording(stretches: int = 8, rows: int = 40) -> dict[str, list[object]]:
    """Two people in stretches of 40 rows, a twentieth of a second apart."""
    random = np.random.default_rng(0)
    columns: dict[str, list[object]] = {name: [] for name in ("time", "subject", "ax", "ay", "activity")}
    for subject in (1, 2):
        for i in range(stretches * rows):
            kind = (i // rows + subject) % 2
            columns["time"].append(round(0.05 * i, 2))
            columns["subject"].append(subject)
            columns["ax"].append(round(np.sin(i * (1 + kind)) + random.normal(0, 0.1), 3))
            columns["ay"].append(round(random.normal(), 3))
            columns["activity"].append(["rest", "walk"][kind])
    return columns


def test_labels_that_stay_for_a_while_are_those_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    columns = recording()
    write(tmp_path, columns, "sensors.csv")
    text = netspec.new("sensors.csv", target="activity")
    for part in ("windows(", "past = 20", "ahead = 0", "step = 2", 'time = "time"', 'group = "subject"',
                 'inputs = ["ax", "ay"]', 'targets = "activity"', 'by = "subject")` in `data`'):  # fmt: skip
        assert part in text
    assert text.count("= last(15%)") == 2
    assert netspec.check(text) == []
    # labels that change from row to row, and times that are not at equal distances, are examples of their own
    random = np.random.default_rng(0)
    write(tmp_path, {**columns, "activity": random.permutation(columns["activity"]).tolist()}, "rows.csv")
    assert "csv(" in netspec.new("rows.csv", target="activity")
    write(tmp_path, {**columns, "time": np.cumsum(random.exponential(1, 640)).round(2).tolist()}, "irregular.csv")
    assert "csv(" in netspec.new("irregular.csv", target="activity")


def test_a_forecast_is_not_told_what_only_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The level rises, and the week repeats: the written spec has to beat the value of last week as it stands."""
    monkeypatch.chdir(tmp_path)
    random, days = np.random.default_rng(0), np.arange("2022-01-01", "2022-12-01", dtype="datetime64[D]")
    sales = 100 + 20 * np.sin(np.arange(len(days)) * 2 * np.pi / 7) + random.normal(0, 4, len(days))
    write(tmp_path, {"day": days.tolist(), "sales": sales.round(2).tolist()}, "sales.csv")
    text = netspec.new("sales.csv", target="sales")
    assert 'as = date("%Y-%m-%d", parts = week)' in text.replace("[week]", "week")
    assert "input known: 7x2" in text
    result = netspec.train(text, verbose=0)
    assert result.metrics["test_rmse"] < 0.95 * result.baselines["same day last week"]["test_rmse"]


def test_a_column_that_decides_the_class_is_left_out(draft: Callable[..., Draft]) -> None:
    label = ["no", "yes", "yes"] * (ROWS // 3)
    stars = [{"no": 1, "yes": 4 + i % 2}[kind] for i, kind in enumerate(label)]
    found = draft(target="label", label=label, stars=stars)
    said = "\n".join(found.findings)
    assert "`stars` says the target in 100% of the rows (`1` is `no`, `4` is `yes`, `5` is `yes`)" in said
    assert 'drop = "stars"' in found.text
    mixed = [4 if i in (0, 30) else star for i, star in enumerate(stars)]  # wrong in 2 of 60 rows
    assert "drop =" not in draft(target="label", label=label, stars=mixed).text


def test_of_very_many_rows_some_are_looked_at(draft: Callable[..., Draft], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.starter.tables.opening.MAX_ROWS", 25)
    found = draft()
    assert "of 60 rows one of every 3 was looked at" in found.findings
    assert "60 rows." in found.text
    assert "missing = median" in found.text  # the other rows may have gaps


def test_images_and_texts_in_columns_are_inputs(draft: Callable[..., Draft], tmp_path: Path) -> None:
    for i in COUNT:
        Image.new("RGB", (16, 16), (i, 2 * i, 0)).save(tmp_path / f"{i}.png")
    words = ["the", "house", "has", "a", "small", "garden", "near", "the", "old", "river", "and", "is", "quiet"]
    texts = [" ".join(words[(i * k) % len(words)] for k in range(1, 10)) + f" {i}" for i in COUNT]
    found = draft(photo=[f"{i}.png" for i in COUNT], text=texts)
    assert "input photo: 16x16x3" in found.text
    assert 'to = "text_column"' in found.text  # `text` is a word of the language
    assert "| text_column_part) -> concat" in found.text
