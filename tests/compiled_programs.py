"""Tests that train compile the same programs many times: they share them on disk, with child processes too.

A folder of tests takes part by importing the fixture in its `conftest.py`. Folders of thousands of tiny programs that
are compiled once each (`layers`, `nn`) do not: looking for those on disk takes longer than compiling them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

SETTINGS = {
    "jax_enable_compilation_cache": True,
    "jax_compilation_cache_max_size": -1,
    "jax_persistent_cache_min_compile_time_secs": 0.0,
    "jax_persistent_cache_min_entry_size_bytes": -1,
}


@pytest.fixture(scope="package", autouse=True)
def compiled_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    wanted = {"jax_compilation_cache_dir": str(folder / "jax"), **SETTINGS}
    before = {name: getattr(jax.config, name) for name in wanted}
    for name, value in wanted.items():
        jax.config.update(name, value)
    variables = {name.upper(): os.environ.get(name.upper()) for name in wanted}
    os.environ.update({name.upper(): str(value) for name, value in wanted.items()})
    compilation_cache.reset_cache()  # or what an earlier test found stays in force
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    for name, text in variables.items():
        os.environ.pop(name)
        os.environ.update({name: text} if text is not None else {})
    compilation_cache.reset_cache()
