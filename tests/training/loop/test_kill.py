"""`netspec train`, killed at any moment, goes on to the same numbers bit for bit.

The suite kills a few; `python -m tests.training.loop.test_kill 30` kills thirty, at moments drawn from a seed.
"""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from netspec.storage.checkpoints.read import read_checkpoint
from netspec.storage.run_files import checkpoint_steps, checkpoints_in
from netspec.storage.run_folder import read_run
from tests.child_processes import child_environment

pytestmark = pytest.mark.usefixtures("default_signals")

SPEC = """\
input 8x8x1
dense(32, bias = false) -> batchnorm -> relu -> dropout(0.2) -> dense(classes, softmax)
data {
    source = digits
    val = 20%
    normalize = standard
}
train {
    epochs = 40
    batch = 16
    optimizer = adam(0.003)
    schedule = warmup(2 epochs) -> cosine
    stop = early(val_loss, patience = 150)
}
"""


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "netspec", "train", "--runs", str(folder / "runs"), "--save-every", "0", *arguments]


def environment(folder: Path) -> dict[str, str]:
    """With a cache for what JAX compiles, so that a start takes two seconds and not five."""
    cache = {"JAX_COMPILATION_CACHE_DIR": str(folder / "cache"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    return child_environment(**cache)


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """A process that trains; where it makes a run folder, that is there already."""
    runs = folder / "runs"
    before = {*runs.glob("[!.]*")}
    process = subprocess.Popen(
        command(folder, *arguments), env=environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    while "--resume" not in arguments and process.poll() is None and {*runs.glob("[!.]*")} == before:
        time.sleep(0.01)
    return process


def train(folder: Path, *arguments: str) -> float:
    """Train to the end; the seconds that it took behind the start."""
    process = start(folder, *arguments)
    began = time.perf_counter()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()
    return time.perf_counter() - began


def kill(folder: Path, *arguments: str, after: float, number: signal.Signals = signal.SIGKILL) -> tuple[int, float]:
    """Start, and send a signal after so many seconds; the status, and how long it took to leave."""
    process = start(folder, *arguments)
    time.sleep(after)
    process.send_signal(number)
    began = time.perf_counter()
    process.communicate(timeout=60)
    return process.returncode, time.perf_counter() - began


def newest_run(folder: Path) -> Path:
    return max((folder / "runs").glob("[!.]*"), key=lambda path: int(path.name.rpartition("-")[2]))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec and a run that was never stopped."""
    return make_whole(tmp_path_factory.mktemp("whole"))


def make_whole(folder: Path) -> Path:
    (folder / "net.net").write_text(SPEC)
    train(folder, str(folder / "net.net"))
    return folder


def assert_same(run: Path, whole: Path) -> None:
    """The whole last checkpoint, file or folder (weights, optimizer, random state, position, sums, best weights), the
    weights that are kept, and the figures of every epoch."""
    ours, theirs = (checkpoints_in(path / "checkpoints")[-1] for path in (run, whole))
    assert ours.name == theirs.name
    (found, record), (wanted, _) = read_checkpoint(run, ours), read_checkpoint(whole, theirs)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert found[name].tobytes() == array.tobytes(), name
    assert (run / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()
    a, b = read_run(run), read_run(whole)
    assert [(r["loss"], r["metrics"]) for r in a.history] == [(r["loss"], r["metrics"]) for r in b.history]
    assert a.done is not None and b.done is not None and a.done["metrics"] == b.done["metrics"]
    assert record["best_epoch"] == b.done["best_epoch"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
@pytest.mark.parametrize("moments", [[0.05], [1.5, 3.0]], ids=["early", "twice"])
def test_a_run_that_was_killed_goes_on_bit_for_bit(whole: Path, moments: list[float]) -> None:
    kill(whole, str(whole / "net.net"), after=moments[0])
    run = newest_run(whole)
    for moment in moments[1:]:
        kill(whole, "--resume", str(run), after=moment)
    if read_run(run).done is None:
        train(whole, "--resume", str(run))
    assert_same(run, whole / "runs" / "net-1")
    assert not list(run.rglob("*.tmp"))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_leaves_in_time(whole: Path, number: signal.Signals, status: int) -> None:
    found, seconds = kill(whole, str(whole / "net.net"), "-D", "train.epochs=2000", after=3.0, number=number)
    run = newest_run(whole)
    assert found == status and seconds < 5
    log = (run / "log.txt").read_text()
    assert "interrupted after epoch" in log
    step = int(log.rpartition("step ")[2])
    assert checkpoint_steps(run / "checkpoints")[-1:] == [step] * (step > 0)  # nothing is lost, not one step


def main(count: int, seed: int = 0) -> None:
    """Kill trainings at `count` random moments of their life, some of them again while they go on, let each come to its
    end, and compare it with one that was never stopped."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "net.net").write_text(SPEC.replace("epochs = 40", "epochs = 200"))
        train(folder, str(folder / "net.net"))
        began = time.perf_counter()
        life = train(folder, str(folder / "net.net"))
        begin = time.perf_counter() - began - life
        assert_same(folder / "runs" / "net-2", folder / "runs" / "net-1")
        print(f"starts in {begin:.1f} s, trains for {life:.1f} s")
        kills = 0
        while kills < count:
            moments, killed = [draw.uniform(0, life)], 0
            kill(folder, str(folder / "net.net"), after=moments[0])
            run = newest_run(folder)
            while read_run(run).done is None:
                killed += 1
                if killed + kills == count or draw.random() < 0.4:
                    train(folder, "--resume", str(run))
                    break
                moments.append(draw.uniform(0, begin + life))
                kill(folder, "--resume", str(run), after=moments[-1])
            assert_same(run, folder / "runs" / "net-1")
            kills += killed
            steps = re.findall(r"resumed at .*, (step \d+)", (run / "log.txt").read_text())
            times = ", ".join(f"{moment:.2f}" for moment in moments)
            print(f"{kills:3} kills, all equal: {run.name} after {times} s, resumed at {', '.join(steps)}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
