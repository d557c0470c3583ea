"""Columns of texts: ids of the words of the training split, their length by percentile, cells as people have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from netspec.data.dataset.dataset import Dataset
from netspec.data.load import learned_source, read_dataset, read_facts
from netspec.data.prepare import prepare_data
from netspec.data.settings import DataSettings
from netspec.data.sources.tables.columns import OfColumns, TextColumn
from netspec.data.sources.tables.words import Csv
from netspec.data.splits.split import split_dataset
from netspec.data.transforms.encoders import Encoder, RowEncoder
from netspec.data.transforms.texts.coder import TextCoder, read_tokenizer
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape
from tests.data.files import code_and_text, ends, write

ROWS = [f"word{i} common {'the ' * (i % 5)}end,{'yes' if i % 2 else 'no'}" for i in range(40)]
TABLE = "review,label\n" + "\n".join(ROWS) + "\n"


def section(settings: dict[str, Any] | None = None, **options: Any) -> DataSettings:
    source = Csv(**({"file": "t.csv", "target": ("label",), "text": ("review",)} | options))
    return DataSettings(source=source, **(settings or {}))


def read(folder: Path, table: str, settings: dict[str, Any] | None = None, **options: Any) -> Dataset:
    """The data, as the section with these settings reads them."""
    write(folder / "t.csv", table)
    data = section(settings, **options)
    found = read_dataset(data, folder)
    assert read_facts(data, folder) == found.facts
    return found


def said(**options: Any) -> dict[str, Any]:
    return {"text": (), "per_column": (OfColumns(columns=("review",), as_=TextColumn(**options)),)}


def coder_of(data: Dataset, column: str = "review") -> TextCoder:
    assert isinstance(data.encoder, RowEncoder)
    return data.encoder.texts[column]


def test_the_vocabulary_is_that_of_the_training_split(tmp_path: Path) -> None:
    """Words that occur in one row each: those of the training rows are known, all others are not."""
    settings = {"val": 0.2, "test": 0.25, "seed": 3}
    data = read(tmp_path, TABLE, settings, **said(min_count=1))
    splits = split_dataset(data, section(settings, **said(min_count=1)))
    known = {name for name in coder_of(data).vocabulary if name.startswith("word")}
    assert known == {f"word{i}" for i in splits.train_index.tolist()}
    assert splits.test_index is not None and splits.val_index is not None
    held = [*splits.test_index.tolist(), *splits.val_index.tolist()]
    assert (data.train.inputs["review"][held, 0] == 1).all() and len(known) == 24
    limited = {**settings, "limit": 10}
    few = read(tmp_path, TABLE, limited, **said(min_count=1))
    assert sum(name.startswith("word") for name in coder_of(few).vocabulary) == 10


@pytest.mark.parametrize("folds", [{"folds": 4, "fold": 2}, {"folds": 4}, {"folds": 4, "fold": 0}])
def test_the_vocabulary_of_a_fold(tmp_path: Path, folds: dict[str, Any]) -> None:
    data = read(tmp_path, TABLE, folds, **said(min_count=1))
    splits = split_dataset(data, section(folds, **said(min_count=1)))
    known = {name for name in coder_of(data).vocabulary if name.startswith("word")}
    assert known == {f"word{i}" for i in splits.train_index.tolist()}
    assert len(known) == (40 if folds.get("fold") == 0 else 30)


def test_the_vocabulary_of_classes_that_are_numbered_and_of_numbers(tmp_path: Path) -> None:
    """What is held out depends on the targets, which decide whether the split is stratified."""
    for label in ("{i}.5", "{c}"):
        rows = "\n".join(f"word{i},{label.format(i=i, c=1 + i % 3)}" for i in range(30))
        data = read(tmp_path, f"review,label\n{rows}\n", **said(min_count=1))
        splits = split_dataset(data, section(**said(min_count=1)))
        assert {*coder_of(data).vocabulary[2:]} == {f"word{i}" for i in splits.train_index.tolist()}


def test_most_frequent_first_then_alphabetical(tmp_path: Path) -> None:
    text = "review,label\nb a a c,x\nB b d a,y\n"
    data = read(tmp_path, text, {"test": 0}, **said(min_count=1))
    assert coder_of(data).vocabulary == ("<pad>", "<unknown>", "a", "b", "c", "d")
    assert data.train.inputs["review"].tolist() == [[3, 2, 2, 4], [3, 3, 5, 2]]
    assert data.facts.inputs == {"review": Shape((4,), 6)} and data.facts.pads == {"review": 0}
    assert coder_of(read(tmp_path, text, {"test": 0}, **said(min_count=2))).vocabulary[2:] == ("a", "b")
    assert coder_of(read(tmp_path, text, {"test": 0}, **said(min_count=1, vocabulary=3))).vocabulary[2:] == ("a",)
    capital = coder_of(read(tmp_path, text, {"test": 0}, **said(min_count=1, lowercase=False)))
    assert capital.vocabulary[2:] == ("a", "b", "B", "c", "d")
    by_char = coder_of(read(tmp_path, text, {"test": 0}, **said(by="char", min_count=1)))
    assert by_char.vocabulary[2] == " " and {*by_char.vocabulary[2:]} == {*"abcd "}


@pytest.mark.parametrize(("length", "expected"), [(1.0, 100), (0.5, 50), (0.95, 95), (7, 7), (200, 200)])
def test_length_by_percentile(tmp_path: Path, length: float, expected: int) -> None:
    rows = "\n".join(f"{'a ' * n},{n % 2}" for n in range(1, 101))
    data = read(tmp_path, f"review,label\n{rows}\n", {"test": 0}, **said(length=length))
    (x,) = data.train.inputs.values()
    assert x.shape == (100, expected) and x.dtype == np.int32
    assert [int(n) for n in (x != 0).sum(axis=1)] == [min(n, expected) for n in range(1, 101)]
    assert length > 1 or (x[:, -1] != 0).sum() - 1 == 100 - 100 * length  # longer ones are cut


def test_which_part_of_a_long_text_is_read(tmp_path: Path) -> None:
    text = "review,label\na b c d,x\nd c b a,y\n"
    for keep, expected in (("start", ["a", "b"]), ("end", ["c", "d"])):
        data = read(tmp_path, text, {"test": 0}, **said(length=2, min_count=1, keep=keep))
        assert [coder_of(data).vocabulary[i] for i in data.train.inputs["review"][0]] == expected


def test_quotes_newlines_and_delimiters_in_cells(tmp_path: Path) -> None:
    cells = '"He said ""no"", twice,\nand left",x\n"plain",y\n'
    data = read(tmp_path, f"review,label\n{cells}", {"test": 0}, **said(min_count=1, length=1.0))
    coder = coder_of(data)
    first = [coder.vocabulary[i] for i in data.train.inputs["review"][0] if i]
    assert first == ["he", "said", '"', "no", '"', ",", "twice", ",", "and", "left"]
    written = read(tmp_path, "review,label\nNaN ?,x\n?,y\nnone,x\n", {"test": 0}, **said(min_count=1))
    assert (written.train.inputs["review"][:, 0] > 1).all()  # words, not missing values


def test_missing_texts(tmp_path: Path) -> None:
    text = "review,label\ngood film,x\n,y\n  ,x\nbad film,y\n"
    with pytest.raises(Unplaced) as bad:
        read(tmp_path, text, {"test": 0})
    code, message = code_and_text(bad.value)
    assert code == "NS407" or "missing" in message, message
    assert len(read(tmp_path, text, {"test": 0}, missing="drop").train) == 2
    kept = read(tmp_path, text, {"test": 0}, **said(min_count=1), missing="mean")
    assert kept.train.inputs["review"][1].tolist() == [1, 0]
    data = section({"test": 0}, **said(min_count=1), missing="mean")
    (remark,) = learned_source(data, tmp_path).remarks(tmp_path)
    code, message = code_and_text(remark)
    assert code == "NS610" and "empty texts in `review`: 2, the first of them row 3" in message


def test_warnings_about_texts(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "review,label\n" + "\n".join(f"{'a ' * (n % 9 + 1)},{n % 2}" for n in range(40)))
    (remark,) = learned_source(section({"test": 0}, **said(length=4)), tmp_path).remarks(tmp_path)
    code, message = code_and_text(remark)
    assert code == "NS611" and "20 of 40 texts of `review` have more than 4 words, of which the first are" in message
    write(
        tmp_path / "t.csv",
        "review,label\n\u8fd9\u90e8\u7535\u5f71\u5f88\u597d\u3002,1\n\u4e0d\u597d\u770b\uff0c\u592a\u957f\u3002,0\n",
    )
    chinese = learned_source(section({"test": 0}, **said(min_count=1)), tmp_path).remarks(tmp_path)
    assert [code_and_text(one)[0] for one in chinese] == ["NS613"]
    by_char = section({"test": 0}, **said(min_count=1, by="char"))
    assert [*learned_source(by_char, tmp_path).remarks(tmp_path)] == []


@pytest.mark.parametrize(
    ("text", "options", "code", "words"),
    [
        ("review,label\na,x\nb,y\n", {}, "NS614", "no word of `review` occurs 2 times"),
        ("review,label\na,x\n", {"text": ("reviw",)}, "NS408", "did you mean `review`"),
        ("review,label\na,x\n", {"text": ("label",)}, "NS442", "`text` and in `target`"),
        ("review,label\na,x\n", {"categories": ("review",)}, "NS442", "`text` and in `categories`"),
        ("review,label,n\na,x,1\n", {"columns": ("n",)}, "NS442", "`text` and not in `columns`"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, options: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(Unplaced) as bad:
        read(tmp_path, text, {"test": 0}, **options)
    found, message = code_and_text(bad.value)
    assert words in message, message
    assert found == code


def test_a_column_of_sentences_is_advised_to_be_a_text(tmp_path: Path) -> None:
    rows = "\n".join(f"i have seen this film {n} times and like it,{n % 2}" for n in range(30))
    with pytest.raises(Unplaced) as bad:
        read(tmp_path, f"review,label\n{rows}\n", text=())
    assert 'write `text = "review"`' in code_and_text(bad.value)[1]


def test_texts_beside_numbers(tmp_path: Path) -> None:
    rows = "\n".join(f"the {'good' if n % 2 else 'bad'} one,{n},{n % 2}" for n in range(20))
    data = read(tmp_path, f"review,age,label\n{rows}\n")
    assert data.facts.inputs == {"numbers": Shape((1,)), "review": Shape((3,), 6)}
    assert data.train.inputs["numbers"][:, 0].tolist() == [*range(20)]
    expected = {"review": data.facts.inputs["review"], "numbers": Shape((1,))}
    splits, _ = prepare_data(data, section(), expected, {"output": ends(2, "softmax")})
    assert splits.facts.pads == {"review": 0}


def test_pieces_of_words(tmp_path: Path) -> None:
    """Those of the library, trained on the training split alone; bytes leave nothing unknown."""
    tokenizers = pytest.importorskip("tokenizers")
    rows = "\n".join(f"playing played player word{n} na\u00efve \U0001f600,{n % 2}" for n in range(40))
    for by in ("bpe", "wordpiece"):
        data = read(tmp_path, f"review,label\n{rows}\n", **said(by=by, vocabulary=300))
        coder = coder_of(data)
        assert coder.tokenizer is not None and coder.vocabulary[:2] == ("<pad>", "<unknown>")
        encoded = tokenizers.Tokenizer.from_str(coder.tokenizer).encode("played naïve")
        assert coder.ids(["played naïve"]) == [encoded.ids]
        assert data.train.inputs["review"].max() < len(coder.vocabulary) <= max(300, 258 + 44)
        assert len(encoded.ids) < len("played naïve")
        again = msgspec.json.decode(msgspec.json.encode(data.encoder), type=Encoder)
        assert again == data.encoder
        if by == "bpe":
            assert 1 not in coder.ids(["\u6f22\u5b57 \U0001f680"])[0]
            assert "".join(coder.vocabulary[i] for i in coder.ids(["played"])[0]) == " played"


def test_a_tokenizer_that_is_given(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    known = {"[PAD]": 0, "[UNK]": 1, "good": 2, "bad": 3}
    text = "review,label\ngood bad,x\nother good,y\n"
    for vocabulary, expected in ((known, [[2, 3], [1, 2]]), ({"[UNK]": 0, "good": 1, "bad": 2}, [[3, 4], [2, 3]])):
        tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
        tokenizer.enable_padding(length=9)
        tokenizer.save(str(tmp_path / "tokenizer.json"))
        read_tokenizer.cache_clear()
        data = read(tmp_path, text, {"test": 0}, **said(tokenizer="tokenizer.json"))
        assert data.train.inputs["review"].tolist() == expected
        assert data.facts.inputs["review"].vocabulary == len(vocabulary) + 2 * (0 if "[PAD]" in vocabulary else 1)
    write(tmp_path / "tokenizer.json", "{}")
    with pytest.raises(Unplaced) as bad:
        read(tmp_path, text + "\n", {"test": 0}, **said(tokenizer="tokenizer.json"))
    assert code_and_text(bad.value)[0] == "NS404"


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.data.transforms.texts.coder.find_spec", lambda name: None)
    with pytest.raises(Unplaced) as bad:
        read(tmp_path, TABLE, **said(by="bpe"))
    code, message = code_and_text(bad.value)
    assert code == "NS429" and "netspec-compiler[text]" in message


def test_a_run_that_goes_on_has_the_same_words(tmp_path: Path) -> None:
    data = read(tmp_path, TABLE)
    write(tmp_path / "t.csv", TABLE.replace("common", "rare"))
    source = section().source
    assert source is not None
    again = source.as_of_run(data.encoder)
    assert again.labeled(tmp_path) is None
    found = read_dataset(DataSettings(source=again), tmp_path)
    assert coder_of(found) == coder_of(data)
    assert (found.train.inputs["review"][:, 1] == 1).all()  # `rare` is not known
