"""NS576 to NS589: training on several devices and in several processes."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class OtherMesh(Diagnostic):
    """The settings `devices` and `mesh` contradict each other, or an axis is in the mesh twice.

    A mesh of `data(2) -> model(4)` has 2 * 4 = 8 devices. With `mesh` alone, `devices` follows from it; with `devices`
    alone, all of them split the batch: `devices = 4` is `mesh = data(4)`.
    """

    code = "NS576"
    title = {
        "": "the mesh `{mesh}` has {size} devices, but `devices` is {devices}",
        "twice": "`{axis}` is in the mesh `{mesh}` twice",
    }
    hint = {"": "write `devices = {size}`, or remove it: it follows from the mesh", "twice": "write `{right}`"}
    mesh: str
    size: int = 0
    devices: int = 0
    axis: str = ""
    right: str = ""


class UnevenBatch(Diagnostic):
    """The examples of a batch cannot be divided equally among the devices.

    The axes `data` and `fsdp` of the mesh split each batch. `batch` is the number of examples of a step on all devices
    together. Only the last batch of an epoch may be smaller, by any number.
    """

    code = "NS577"
    title = "a batch of {batch} examples cannot be divided equally among {parts} devices"
    label = "`{mesh}` splits each batch into {parts} parts"
    hint = "write `{nearest}`: the examples of all devices together"
    batch: int
    parts: int
    mesh: str
    nearest: str


class TooFewDevices(Diagnostic):
    """The mesh has more devices than JAX finds.

    JAX finds the GPUs or TPUs of this machine, or one CPU. To try a mesh without them, a CPU can simulate any number
    of devices: they share its cores, so it is not faster, but computes what as many real devices would.
    """

    code = "NS578"
    title = "the mesh `{mesh}` needs {wanted} devices, but JAX finds {found} ({kind})"
    hint = {
        "": "write `{smaller}`; to try it on simulated devices, set JAX_PLATFORMS=cpu JAX_NUM_CPU_DEVICES={wanted}",
        "cpu": "to simulate them on the CPU, set the environment variable JAX_NUM_CPU_DEVICES={wanted}",
    }
    mesh: str
    wanted: int
    found: int
    kind: str
    smaller: str = ""


class UnusedProcess(Diagnostic):
    """The mesh leaves devices of some processes out, which would wait for the others for ever.

    Several processes train on all of their devices together: the product of the axes of the mesh is their number.
    """

    code = "NS579"
    title = "the mesh `{mesh}` has {size} devices, but the {processes} processes have {found} together"
    hint = "use all of them, such as `mesh = {right}`"
    mesh: str
    size: int
    processes: int
    found: int
    right: str
