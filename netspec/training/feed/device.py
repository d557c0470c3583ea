"""The devices that JAX finds, and what is set up before it computes on them: memory, and the cache of programs."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache
from hashlib import sha256
from pathlib import Path

import jax

from netspec.language.files.cache_dir import cache_folder

DATA_SHARE = 2
"""Examples may take this part of the memory of a device; the rest is for the network and for what it computes."""

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX, M_ARENA_MAX = -1, -2, -4, -8
"""Parameters of `mallopt` (malloc.h of glibc)."""
TOP_PAD = 64 * 2**20
"""Bytes by which memory grows at least."""
MAX_KEPT_STEP = 512 * 2**20
"""Bytes of a step up to which freed memory is kept."""
KEPT_BYTES = 512 * 2**20
"""The size of the cache of programs. JAX looks through the whole folder for each one that it adds."""
KEPT_SECONDS = 0.1
"""Programs that are compiled faster than this are not cached."""


def memory_for_data() -> int | None:
    """How many bytes a device with its own memory has for examples; None for others, or where it is not reported."""
    stats = jax.local_devices()[0].memory_stats() or {}
    limit = stats.get("bytes_limit")
    return (limit - stats.get("bytes_in_use", 0)) // DATA_SHARE if limit else None


def find_devices(platform: str) -> str | None:
    """None when JAX finds a device of this kind, which it then uses, or what is wrong, in a line."""
    jax.config.update("jax_platforms", platform)  # JAX may be imported already, with another one
    set_up()
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # a plugin that is missing ends in an assertion of JAX
        return (str(error).splitlines() or ["JAX finds no such device"])[0]
    return None


@cache
def set_up() -> None:
    """Cache compiled programs on disk, unless JAX is configured otherwise; once, before JAX computes anything.

    `JAX_COMPILATION_CACHE_DIR` names another folder, `JAX_ENABLE_COMPILATION_CACHE=false` disables it. Parallel
    runs share the folder under a lock; the least recently used programs are deleted first.
    """
    if jax.config.jax_compilation_cache_dir is not None:
        return
    folder = cache_folder()
    if folder is None:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder / f"programs-{processor()}"))
    jax.config.update("jax_compilation_cache_max_size", KEPT_BYTES)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", KEPT_SECONDS)


def processor() -> str:
    """A short name for the instructions that this processor has: programs for another one may not run on it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        flags = ""
    return sha256(f"{platform.machine()} {platform.processor()} {flags}".encode()).hexdigest()[:12]


def keep_freed_memory(of_step: object) -> None:
    """Have the C library keep what is freed for the next step, where that is glibc.

    XLA's programs for CPUs allocate their intermediate results, hundreds of MiB, anew for each step. glibc returns
    blocks of that size to the system, which clears the pages again for the next step: a fifth of the time of a ResNet.
    The peak stays the same, but compiling takes a third longer, since its threads share one arena; so this is for
    processes that train. Large steps are left alone: small blocks settle in the space of a large one that was freed, up
    to three times before the memory stopped growing. So is everything if `GLIBC_TUNABLES` is set in the environment.

    Threads that already run keep their arenas; it is best called before JAX starts its own.

    Args:
        of_step: about how many bytes a step takes (`step_bytes`); anything but a number is unknown, and large.
    """
    if not isinstance(of_step, int) or of_step > MAX_KEPT_STEP:
        return
    if platform.libc_ver()[0] != "glibc" or "GLIBC_TUNABLES" in os.environ:
        return
    change = ctypes.CDLL(None).mallopt
    change(M_ARENA_MAX, 1)  # other arenas map large blocks in any case
    change(M_MMAP_MAX, 0)
    change(M_TRIM_THRESHOLD, -1)
    change(M_TOP_PAD, TOP_PAD)
