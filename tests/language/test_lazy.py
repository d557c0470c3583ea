"""Modules that are imported at their first use."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from netspec.language.lazy import lazy


def run(program: str) -> None:
    subprocess.run([sys.executable, "-c", "import sys; from netspec.language.lazy import lazy; " + program], check=True)


def test_nothing_is_imported_before_an_attribute_is_used() -> None:
    run(
        "np = lazy('numpy'); assert 'numpy' not in sys.modules; repr(np); assert 'numpy' not in sys.modules;"
        "assert np.float32(1) == 1; assert 'numpy' in sys.modules"
    )


def test_a_submodule_is_imported_by_its_dotted_name() -> None:
    run("npy = lazy('numpy.lib.format'); assert npy.MAGIC_PREFIX")


def test_attributes_are_those_of_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    import colorsys

    module = lazy("colorsys")
    assert module.rgb_to_hsv is colorsys.rgb_to_hsv
    assert "rgb_to_hsv" in dir(module)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing
    monkeypatch.setattr(colorsys, "ONE_SIXTH", 6)
    assert module.ONE_SIXTH == 6
    monkeypatch.setattr(module, "ONE_THIRD", 3)
    assert colorsys.ONE_THIRD == 3


def test_a_missing_module_is_named_at_its_first_use() -> None:
    module = lazy("no_such_module_anywhere")
    with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
        _ = module.anything


def test_two_threads_may_be_the_first_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(0.2)\nvalue = object()\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = lazy("slow_to_import")
    values: list[object] = []
    threads = [threading.Thread(target=lambda: values.append(module.value)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(values) == 4 and len(set(map(id, values))) == 1
