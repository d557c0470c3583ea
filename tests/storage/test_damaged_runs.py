"""Damaged run folders: whatever is wrong with one, each command says which file and why, and the list of runs goes on.

A sample of the attacks; `--long` runs thousands of them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from netspec.language.diagnostics import CompileError
from netspec.language.files import atomic_files
from netspec.runs.catalog import look_at, meaning_of_run
from netspec.runs.repeated.seed_runs import train_seeds
from netspec.spec.compilation import read_source
from netspec.spec.experiment import prepare
from netspec.storage import run_folder
from netspec.storage.array_file import Damaged, read_arrays
from netspec.storage.checksums import read_text
from netspec.storage.run_files import checkpoint_file, checkpoint_steps
from netspec.storage.run_folder import Run, read_run
from netspec.storage.weights import load_weights
from tests.storage.damage import (
    all_damage,
    damaged,
    files_read_back,
    flip,
    outcome,
    readers,
    resume_copy,
    without_checksums,
)

SPEC = """\
input 4
dense(5, relu) -> dense(classes, softmax)
data {
    source = csv("flowers.csv", target = "species")
    normalize = standard
    val = 20%
}
train {
    epochs = 2
    batch = 64
    optimizer = adam(0.02)
}
"""
ROWS = ["a,b,c,d,species", *(f"{i % 7},{i % 5},{i % 3},{i},{('x', 'y', 'z')[i % 3]}" for i in range(60))]
INPUTS = ["1,2,3,4"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data, the spec, and two runs of it, each with two checkpoints."""
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "flowers.csv").write_text("\n".join(ROWS) + "\n")
    (folder / "flowers.net").write_text(SPEC)
    arguments = ["train", str(folder / "flowers.net"), "--runs", str(folder / "runs"), "--save-every", "0"]
    assert run(arguments) == run(arguments) == 0
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """One of the runs; it is beside an intact one."""
    shutil.copytree(trained / "runs", tmp_path / "runs")
    return tmp_path / "runs" / "flowers-1"


def problem(call: Any) -> Any:
    with pytest.raises(CompileError) as caught:
        call()
    return caught.value.diagnostics[0]


# ---------------------------------------------------------------- flipped bits


def read_back(folder: Path, file: str) -> None:
    """Read a file of a run as the commands do."""
    if file.startswith("checkpoints/"):
        read_arrays(folder / file)
    elif file.endswith(".safetensors"):
        load_weights(folder)
    elif file == "metrics.jsonl":
        read_run(folder)
    else:
        read_text(folder, file if file != "checksums.json" else "spec.net")


def test_no_flipped_bit_is_accepted(folder: Path, long: bool) -> None:
    files, rng, accepted, count = files_read_back(folder), Random(1), [], 0
    assert len(files) == 11
    for file in files:
        read_back(folder, file)
        for _ in range(600 if long else 40):
            damage = flip(folder, file, rng)
            count += 1
            with damaged(folder, damage):
                try:
                    read_back(folder, file)
                except (CompileError, Damaged):
                    continue
                accepted.append(damage[:2])
    assert accepted == []
    print(f"{count} flipped bits, {len(accepted)} accepted")


def test_every_command_reports_a_flipped_bit(folder: Path, long: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Each one that reads the file."""
    reads = {
        "weights.safetensors": ("load", "eval", "predict"),
        "coding.json": ("load", "eval", "predict"),
        "spec.net": ("load", "eval", "predict"),
        "spec.json": ("load", "eval", "predict"),
        "settings.json": ("load", "eval", "predict"),
        "versions.json": ("load", "eval", "predict"),
        "metrics.jsonl": ("load", "eval", "predict"),
        "checksums.json": ("load", "eval", "predict"),
        "meaning.json": (),
    }
    rng = Random(2)
    for file, names in reads.items():
        for _ in range(10 if long else 1):
            with damaged(folder, flip(folder, file, rng)):
                calls = readers(folder, INPUTS)
                assert {name: outcome(calls[name]) for name in names} == dict.fromkeys(names, "NS475"), file
                unread = file in ("weights.safetensors", "coding.json", "spec.net", "spec.json")
                assert run(["diff", str(folder), str(folder.with_name("flowers-2"))]) == (0 if unread else 1)
                calls["runs"]()
                found = look_at(folder)
                assert found.state == (
                    "broken" if file[:3] not in ("wei", "cod", "spe") or file == "spec.json" else "finished"
                )
    capsys.readouterr()


def test_damaged_weights_name_the_checkpoint_that_has_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = folder / "weights.safetensors"
    before = weights.read_bytes()
    for content in (before[:-1], before[:100], b"", before.replace(b"crc32", b"crc33")):
        weights.write_bytes(content)
        found = problem(lambda: netspec.load(folder))
        steps = checkpoint_steps(folder / "checkpoints")
        assert found.code == "NS475"
        assert found.hint_text == (
            f"`checkpoints/step-{steps[-1]:08d}.safetensors` still holds the weights: "
            f"`netspec train --resume {folder}` writes them again"
        )
    checkpoint_file(folder / "checkpoints", steps[-1]).write_bytes(b"")
    assert f"step-{steps[-2]:08d}" in problem(lambda: netspec.predict(folder, INPUTS)).hint_text
    assert run(["train", "--resume", str(folder)]) == 0
    assert "NS472" in capsys.readouterr().err
    assert weights.read_bytes() == before


def test_without_a_checkpoint_nothing_is_promised(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()
    shutil.rmtree(folder / "checkpoints")
    assert problem(lambda: netspec.load(folder)).hint_text == "copy the run again, or train again"


# ---------------------------------------------------------------- damaged records


@pytest.mark.parametrize("kind", ["checked", "unchecked"])
def test_damaged_folders(
    folder: Path, tmp_path: Path, kind: str, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only `CompileError` is raised, and damage is noticed but in a text that can be made again, or in a last line
    that was not finished. Runs without checksums are read by their types alone."""
    if kind == "unchecked":
        without_checksums(folder)
    cases = all_damage(folder)
    Random(3).shuffle(cases)
    assert len(cases) > 2000
    if not long:  # the same number for each file
        cases = [case for file in sorted({c.file for c in cases}) for case in [c for c in cases if c.file == file][:2]]
    results: Counter[str] = Counter()
    strange: list[str] = []
    for number, case in enumerate(cases):
        with damaged(folder, case):
            calls = readers(folder, INPUTS)
            if number % 7 == 0:
                calls["resume"] = lambda: resume_copy(folder, folder.parent / ".copy")
            for name, call in calls.items():
                try:
                    found = outcome(call)
                except Exception as error:  # noqa: BLE001, all of them are listed at the end
                    found = f"{type(error).__name__} {error}"
                    strange.append(f"{name}, {case.file} {case.what}: {found}")
                results[f"{name} {found}"] += 1
                is_needed = case.file not in ("meaning.json", "metrics.jsonl")
                if kind == "checked" and name == "load" and found == "ok" and is_needed:
                    strange.append(f"{case.file} {case.what} is not noticed")
    capsys.readouterr()
    print(kind, results)
    assert results["load NS475"] > 1
    assert strange == []


@pytest.mark.parametrize(
    ("file", "key", "value", "reason"),
    [
        ("spec.json", "facts", 1, "`facts`: expected `object | null`, got `int`"),
        ("spec.json", "name", None, "`name`: expected `str`, got `null`"),
        ("spec.json", "used", {"a": 1}, "`used[...]`: expected `str`, got `int`"),
        ("coding.json", "ranges", [], "`ranges`: expected `object`, got `array`"),
        ("coding.json", "class_names", {"output": ["x"]}, "`class_names` has 1 names for the 3 classes of `output`"),
        ("settings.json", "train", {"outputs": []}, "`train.outputs`: expected `object`, got `array`"),
    ],
)
def test_an_error_names_file_and_key(folder: Path, file: str, key: str, value: Any, reason: str) -> None:
    without_checksums(folder)
    record = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps({**record, key: value}))
    found = problem(lambda: netspec.evaluate(folder))
    assert found.message == f"`{folder / file}` cannot be read: {reason}"


def test_a_setting_that_two_sections_have_is_checked_in_both(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`seed` is one of `train` and one of `data`."""
    without_checksums(folder)
    record = json.loads((folder / "meaning.json").read_text())
    assert {"seed"} <= record["train"].keys() & record["data"].keys()
    for section in ("train", "data"):
        damaged_record = {**record, section: {**record[section], "seed": [None]}}
        (folder / "meaning.json").write_text(json.dumps(damaged_record))
        assert problem(lambda: meaning_of_run(folder)).code == "NS475"
        assert run(["runs", "--runs", str(folder.parent)]) == 0
    capsys.readouterr()


def test_a_broken_run_says_why_in_the_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    without_checksums(folder)
    (folder / "versions.json").write_text('{"made": "2026-01-01T00:00:00"}')  # without a time zone
    (folder.parent / "other").mkdir()
    assert run(["runs", "--runs", str(folder.parent), "--json"]) == 0
    runs = {row["name"]: row for row in json.loads(capsys.readouterr().out)["runs"]}
    assert runs["flowers-2"]["state"] == "finished" and runs["flowers-1"]["state"] == "broken"
    assert "versions.json` cannot be read: `made`" in runs["flowers-1"]["reason"] and len(runs) == 2


@pytest.mark.parametrize("record", ["[]", "{}", '{"seeds": 3}', '{"seeds": ["a"]}', '{"seeds": [0]', "[" * 100_000])
def test_seeds(folder: Path, record: str, capsys: pytest.CaptureFixture[str]) -> None:
    without_checksums(folder)
    (folder / "seeds.json").write_text(record)
    assert look_at(folder).state == "broken" and "seeds.json" in look_at(folder).reason
    assert outcome(lambda: netspec.load(folder)) == "NS554"


# ---------------------------------------------------------------- links, pipes and devices


def test_links_are_not_followed_out_of_a_run(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("log.txt", "metrics.jsonl", "settings.json", "spec.json", "checksums.json", ".lock"):
        shutil.copy(folder / name, outside / name)
        before = (outside / name).read_bytes()
        (folder / name).unlink()
        (folder / name).symlink_to(outside / name)
        assert run(["train", "--resume", str(folder), "-D", "train.epochs=3"]) == 1, name
        assert "it is a link out of the run folder" in " ".join(capsys.readouterr().err.split())
        assert (outside / name).read_bytes() == before
        (folder / name).unlink()
        shutil.copy(outside / name, folder / name)
    shutil.move(folder / "weights.safetensors", outside)
    (folder / "weights.safetensors").symlink_to(outside / "weights.safetensors")
    assert "link out of the run" in problem(lambda: netspec.load(folder)).message
    shutil.move(folder / "checkpoints", outside / "checkpoints")
    (folder / "checkpoints").symlink_to(outside / "checkpoints")
    before = sorted(path.name for path in (outside / "checkpoints").iterdir())
    assert run(["train", "--resume", str(folder), "-D", "train.epochs=3"]) == 1
    assert sorted(path.name for path in (outside / "checkpoints").iterdir()) == before


def test_a_link_inside_of_a_run_is_followed(folder: Path) -> None:
    (folder / "weights.safetensors").rename(folder / "best.safetensors")
    (folder / "weights.safetensors").symlink_to("best.safetensors")
    linked = folder.with_name("linked")
    linked.symlink_to(folder)
    assert len(netspec.predict(linked, INPUTS)) == 1


@pytest.mark.parametrize(
    "file", ["settings.json", "metrics.jsonl", "coding.json", "checksums.json", "weights.safetensors"]
)
def test_pipes_and_devices_are_not_opened(folder: Path, file: str) -> None:
    (folder / file).unlink()
    os.mkfifo(folder / file)
    assert problem(lambda: netspec.load(folder)).code in ("NS473", "NS475")
    look_at(folder)
    (folder / file).unlink()
    (folder / file).symlink_to("/dev/zero")
    assert problem(lambda: netspec.load(folder)).code in ("NS473", "NS475")
    look_at(folder)


# ---------------------------------------------------------------- interrupted writes


def test_a_run_is_readable_after_each_step_of_a_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill before and after each file that `write_text` replaces."""
    texts = [(folder / "settings.json").read_text()]
    for number in range(4):
        texts.append(json.dumps({"train": {"epochs": number}}))
        for allowed in (0, 1, 2):
            disk = Disk(allowed)
            monkeypatch.setattr(run_folder, "replace_file", disk.replace_file)
            with nullcontext() if allowed == 2 else pytest.raises(Killed):
                Run(folder).write_text("settings.json", texts[-1])
            assert read_text(folder, "settings.json") == (texts[-1] if allowed == 2 else texts[-2])


class Killed(BaseException):
    """The process ends."""


class Disk:
    """Files are replaced so many times; then the process ends."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed

    def replace_file(self, path: Path, parts: Any) -> None:
        if not self.allowed:
            raise Killed
        self.allowed -= 1
        atomic_files.replace_file(path, parts)


WRITER = """
import sys
from pathlib import Path
from netspec.storage.run_folder import Run
run, number = Run(Path(sys.argv[1])), 0
print("ready", flush=True)
while True:
    number += 1
    run.write_text("settings.json", '{"train": {"epochs": %d}}' % number + " " * (number % 50))
    run.add_record({"event": "epoch", "epoch": number})
"""


def test_a_run_is_readable_while_it_is_written_and_after_kills(folder: Path, long: bool) -> None:
    rng, reads, records = Random(4), 0, len(read_run(folder).history)
    for _ in range(30 if long else 2):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE)
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
        end, found = time.monotonic() + rng.uniform(0.1, 0.4), 0
        while time.monotonic() < end or found < records + 3:  # a busy machine may take its time
            found = len(read_run(folder).history)
            reads += 1
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        history = read_run(folder).history
        records = len(history)
        assert records >= found
        Run(folder).write_history(history)  # as resuming does: a last line may be incomplete
    assert reads > 3


def test_two_interrupted_writes_leave_the_text_readable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checksum beside the new one is that of the text, not the one of a text that was never written."""
    before = read_text(folder, "settings.json")
    for text in ('{"train": {"epochs": 5}}', '{"train": {"epochs": 6}}'):
        monkeypatch.setattr(run_folder, "replace_file", Disk(1).replace_file)  # the checksums are still written
        with pytest.raises(Killed):
            Run(folder).write_text("settings.json", text)
        assert read_text(folder, "settings.json") == before


def test_seeds_are_checked_as_well(trained: Path, tmp_path: Path) -> None:
    prepared = prepare(read_source(trained / "flowers.net"), None, {"train.seeds": "2", "train.epochs": "1"})
    result = train_seeds(prepared, tmp_path / "runs")
    assert look_at(result.run).state == "finished"
    with damaged(result.run, flip(result.run, "seeds.json", Random(5))):
        assert look_at(result.run).state == "broken"
    with damaged(result.run / "seed-1", flip(result.run / "seed-1", "metrics.jsonl", Random(6))):
        assert look_at(result.run).state == "broken" and look_at(result.run).reason.startswith("seed-1: ")
    assert np.isfinite(netspec.evaluate(result.run / "seed-0")["test_loss"])
