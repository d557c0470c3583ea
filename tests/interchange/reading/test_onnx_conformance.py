"""The backend tests of the `onnx` package: netspec computes what they expect, or refuses them with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interchange.reading.conformance import GROUPS, KINDS, cases, judge, kind_of

PASSED = {"pytorch-converted": 79, "pytorch-operator": 21, "node": 286, "node expanded": 102}
"""How many tests of each group pass at least."""
EVERY = 16
"""Without `--long`, every so many of the tests of single operators, and these, which were wrong once."""
ONCE_WRONG = {
    *("test_cast_INT4_to_INT8", "test_cast_FLOAT_to_UINT4", "test_expand_dim_changed", "test_training_dropout"),
    *("test_reduce_max_default_axes_keepdim_example", "test_reshape_one_dim", "test_selu_expanded_ver18"),
    *("test_resize_downsample_sizes_linear_antialias", "test_resize_downsample_sizes_linear_pytorch_half_pixel"),
    *("test_resize_downsample_sizes_nearest", "test_spacetodepth_crd_mode_example", "test_identity_sequence"),
}


@pytest.mark.parametrize("group", GROUPS)
def test_nothing_is_wrong(group: str, tmp_path: Path, long: bool) -> None:
    chosen = cases([group])
    if group.startswith("node") and not long:
        chosen = [case for i, case in enumerate(chosen) if i % EVERY == 0 or case.name in ONCE_WRONG]
    results = [judge(case, tmp_path) for case in chosen]
    assert [(found.case.name, found.reason) for found in results if found.verdict == "wrong"] == []
    assert {kind_of(found.reason) for found in results if found.verdict == "refused"} <= set(KINDS)
    passed = sum(found.verdict == "passed" for found in results)
    assert passed >= (PASSED[group] if len(chosen) == len(cases([group])) else len(chosen) // 8)
