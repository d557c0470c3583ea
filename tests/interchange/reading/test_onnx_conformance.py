"""The backend tests of the `onnx` package: what netspec reads computes what they expect, or is refused with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interchange.reading.conformance import GROUPS, KINDS, cases, judge, kind_of

PASSED = {"pytorch-converted": 79, "pytorch-operator": 21, "node": 286, "node expanded": 102}
"""How many tests of each group pass at least."""
EVERY = 16
"""Without `--long`, every so many of the tests of single operators."""


@pytest.mark.parametrize("group", GROUPS)
def test_nothing_is_wrong(group: str, tmp_path: Path, long: bool) -> None:
    chosen = cases([group])
    if group.startswith("node") and not long:
        chosen = chosen[::EVERY]
    results = [judge(case, tmp_path) for case in chosen]
    assert [(found.case.name, found.reason) for found in results if found.verdict == "wrong"] == []
    assert {kind_of(found.reason) for found in results if found.verdict == "refused"} <= set(KINDS)
    passed = sum(found.verdict == "passed" for found in results)
    assert passed >= (PASSED[group] if len(chosen) == len(cases([group])) else len(chosen) // 8)
