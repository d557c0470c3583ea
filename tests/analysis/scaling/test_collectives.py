"""Programs of XLA, read: every way in which groups and loops are written, and the bytes of rings by hand."""

from __future__ import annotations

import pytest

from netspec.analysis.scaling.collectives import Collective, collectives_of, ring_bytes, sent_by_kind

HEAD = "HloModule jit_step, num_partitions=8\n\n"


def program(*lines: str) -> str:
    body = "\n".join(f"  {line}" for line in lines)
    return f"{HEAD}ENTRY %main.1 (x: f32[4]) -> f32[4] {{\n{body}\n}}\n"


@pytest.mark.parametrize(
    ("kind", "by_hand"),
    [
        ("all-reduce", 2 * 3 / 4 * 1000),
        ("all-gather", 3 / 4 * 1000),
        ("reduce-scatter", 3 / 4 * 1000),
        ("all-to-all", 3 / 4 * 1000),
        ("collective-permute", 1000),
    ],
)
def test_a_ring_of_four(kind: str, by_hand: float) -> None:
    assert ring_bytes(kind, 1000, 4) == by_hand  # type: ignore[arg-type]
    assert ring_bytes(kind, 1000, 1) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("groups", "devices"),
    [
        ("{{0,1},{2,3},{4,5},{6,7}}", 2),
        ("[2,4]<=[8]", 4),
        ("[4,2]<=[2,4]T(1,0)", 2),
        ("mesh['axis_0'=2,'axis_1'=4] {'axis_1'}", 4),
        ("mesh['axis_0'=2,'axis_1'=2,'axis_2'=2], device_ids=([2,2,2]T(1,0,2)) {'axis_0', 'axis_2'}", 4),
        ("mesh['axis_0'=8] {'axis_0':(1)2}", 2),
    ],
)
def test_groups_of_devices(groups: str, devices: int) -> None:
    line = f"%a = f32[16,4]{{1,0}} all-reduce(%x), channel_id=1, replica_groups={groups}, to_apply=%add"
    assert collectives_of(program(line)) == [Collective("all-reduce", 256, devices)]


def test_arrays_of_several_types() -> None:
    shape = "(f32[], bf16[8]{0}, /*index=2*/s32[2,2]{1,0}, pred[3], f8e4m3fn[5])"
    line = f"%a = {shape} all-reduce(%x), replica_groups={{{{0,1}}}}"
    assert collectives_of(program(line)) == [Collective("all-reduce", 4 + 16 + 16 + 3 + 5, 2)]


def test_a_reduce_scatter_takes_what_all_devices_give() -> None:
    line = "%r = f32[8]{0} reduce-scatter(%x), replica_groups=[1,8]<=[8], dimensions={0}, to_apply=%add"
    assert collectives_of(program(line)) == [Collective("reduce-scatter", 8 * 8 * 4, 8)]


def test_asynchronous_operations_count_once() -> None:
    lines = [
        "%s = (f32[4]{0}, f32[16]{0}) all-gather-start(%x), replica_groups=[2,4]<=[8], dimensions={0}",
        "%d = f32[16]{0} all-gather-done(%s)",
    ]
    assert collectives_of(program(*lines)) == [Collective("all-gather", 64, 4)]


def test_a_permutation_counts_the_devices_that_send() -> None:
    line = "%p = f32[16]{0} collective-permute(%x), source_target_pairs={{0,1},{2,3}}"
    (found,) = collectives_of(program(line))
    assert found.sent == 64 * 2 / 8


def test_a_loop_runs_its_body_as_often_as_is_known() -> None:
    text = (
        HEAD + "%body (p: f32[4]) -> f32[4] {\n"
        "  %g = f32[16]{0} all-gather(%p), replica_groups=[2,4]<=[8], dimensions={0}\n}\n\n"
        "ENTRY %main (x: f32[4]) -> f32[4] {\n"
        '  %w = f32[4]{0} while(%x), condition=%cond, body=%body, backend_config={"known_trip_count":{"n":"5"}}\n'
        "  ROOT %c = f32[4]{0} call(%w), to_apply=%body\n}\n"
    )
    assert collectives_of(text) == [Collective("all-gather", 64, 4, count=6)]
    assert sent_by_kind(collectives_of(text)) == {"all-gather": 6 * 48.0}


def test_what_is_not_a_program() -> None:
    with pytest.raises(ValueError, match="ENTRY"):
        collectives_of("no program")
    with pytest.raises(ValueError, match="cannot be read"):
        collectives_of(program("%a = f32[4]{0} all-reduce(%x), replica_groups=?"))
