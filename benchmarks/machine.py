"""Which machine, and which versions: measurements mean nothing without them."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("netspec", "jax", "jaxlib", "flax", "optax", "keras", "equinox", "torch", "numpy")
GIB = 1024**3


def processor() -> str:
    """The name of the processor."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", info.read_text(encoding="utf-8")) if info.exists() else []
    return re.sub(r"\s+", " ", names[0]).strip() if names else platform.processor() or platform.machine()


def compiler() -> str | None:
    """The first line of what the C++ compiler says of itself, which torch.compile needs."""
    for name in (os.environ.get("CXX", "c++"), "g++", "clang++"):
        if path := shutil.which(name):
            return subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.split("\n")[
                0
            ]
    return None


def describe() -> dict[str, Any]:
    """Everything about the machine that matters."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "compiler": compiler(),
        "versions": versions,
    }


def slug() -> str:
    """A name for the folder of results."""
    name = re.sub(r"\(r\)|\(tm\)|@.*", "", processor(), flags=re.IGNORECASE)
    return re.sub(r"[^a-z0-9]+", "-", f"{name} {os.cpu_count()} cores".lower()).strip("-")
