"""The models that are served, by name and version; new versions take over when they are compiled.

Input: run folders, or models from Python. Output: `Served` models, started and ready.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from netspec.language.corrections import suggest
from netspec.language.diagnostics import fail
from netspec.runs.catalog import RunInfo, look_at
from netspec.runs.repeated.ensemble import load_models
from netspec.serving.errors import CannotServe
from netspec.serving.http.refusal import Refusal
from netspec.serving.models.batching import Batching, Done
from netspec.serving.models.served import Served
from netspec.spec.model import Model
from netspec.storage.run_folder import read_run

NUMBERED = re.compile(r"(.+)-(\d+)")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Registry:
    """Models by name, and of each its versions.

    Args:
        batching: how requests are computed together.
    """

    def __init__(self, batching: Batching) -> None:
        self.batching = batching
        self.models: dict[str, dict[str, Served]] = {}
        self._pinned: set[tuple[str, str]] = set()
        """Versions that were asked for at the start: they stay when newer ones come."""

    def __iter__(self) -> Iterator[Served]:
        return (version for versions in self.models.values() for version in versions.values())

    def latest(self, name: str) -> Served:
        """The newest version of a model that is served."""
        return max(self.models[name].values(), key=_newness)

    def find(self, name: str, version: str | None = None) -> Served:
        """A model by the names in an address.

        Raises:
            Refusal: it is not served (404).
        """
        if name not in self.models:
            advice = suggest(name, self.models, what="models")
            raise Refusal(404, f"the model `{name[:100]}` is not served; {advice}")
        if version is None:
            return self.latest(name)
        versions = self.models[name]
        if version not in versions:
            known = ", ".join(versions)
            raise Refusal(404, f"the version `{version[:100]}` of {name} is not served; versions: {known}")
        return versions[version]

    def only(self) -> Served:
        """The model, where there is one.

        Raises:
            Refusal: there are several (404).
        """
        if len(self.models) != 1:
            names = ", ".join(f"/models/{name}/predict" for name in self.models)
            raise Refusal(404, f"several models are served: send the request to one of {names}")
        return self.latest(next(iter(self.models)))

    def add(self, served: Served, *, pinned: bool = True) -> None:
        """Raises CompileError if there is another model with the same name and version (NS549)."""
        versions = self.models.setdefault(served.name, {})
        if served.version in versions:
            what, reason = f"`{served.path or served.name}`", f"there is a model {served.name} {served.version} already"
            raise fail(CannotServe(what=what, reason=reason, advice=f"give it another name: other={served.path}"))
        versions[served.version] = served
        if pinned:
            self._pinned.add((served.name, served.version))

    def replace(self, served: Served) -> list[Served]:
        """Serve a newer version; those that it replaces, which were not asked for at the start, to be closed."""
        self.add(served, pinned=False)
        versions = self.models[served.name]
        old = [one for one in versions.values() if (one.name, one.version) not in self._pinned and one is not served]
        for one in old:
            del versions[one.version]
        return old

    def start(self, deliver: Callable[[Served, Done], None], callers: Callable[[], int]) -> None:
        for served in self:
            self.start_one(served, deliver, callers)

    def start_one(self, served: Served, deliver: Callable[[Served, Done], None], callers: Callable[[], int]) -> None:
        served.start(self.batching, lambda done: deliver(served, done), callers)

    def close(self) -> None:
        for served in self:
            served.close()


def _newness(served: Served) -> tuple[int, str]:
    return int(served.version) if served.version.isdecimal() else -1, served.version


def load_served(run: Path, batching: Batching, name: str | None = None) -> Served:
    """The model of a run, compiled.

    Args:
        run: a run folder; one that is not finished has the best weights so far.
        batching: how requests are computed together.
        name: in addresses (None: that of the spec).

    Raises:
        CompileError: there is no such run, it is damaged, or has no weights.
    """
    read_run(run)  # says what is wrong with a folder that is not a run
    info = look_at(run)
    if info.seeds:
        advice = f"give one of them, such as {run}/seed-0"
        raise fail(CannotServe(what=f"`{run}`", reason="it holds runs with several seeds", advice=advice))
    served = Served(checked_name(name or info.spec), version_of(info), load_models(run), run)
    served.compile(batching)
    return served


def serve_model(model: Model, batching: Batching, name: str | None = None) -> Served:
    """A model with the weights that it has, compiled."""
    served = Served(checked_name(name or model.name), "1", model)
    served.compile(batching)
    return served


def checked_name(name: str) -> str:
    """Raises CompileError unless a name can be a part of an address (NS549)."""
    if NAME.fullmatch(name) is None:
        advice = "the name of a model has letters, digits, `.`, `_` and `-`: digits=runs/digits-3"
        raise fail(CannotServe(what=f"`{name}`", reason="not the name of a model", advice=advice))
    return name


def version_of(info: RunInfo) -> str:
    """The number of a run, `3` of digits-3; `1` if it has none."""
    numbered = NUMBERED.fullmatch(info.name)
    return numbered[2] if numbered is not None else "1"
