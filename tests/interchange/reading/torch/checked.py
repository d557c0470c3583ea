"""What tests of modules share: a module of a function, and an import that must be verified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

import netspec
from netspec.interchange.imports import Imported
from tests.interchange.reading.torch import nets


class Of(nn.Module):
    """A function of modules and an input."""

    def __init__(self, function: Callable[..., Any], **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Any) -> Any:
        return self.function(self, x)


def imported(module: nn.Module, inputs: Any) -> Imported:
    """The import of a module with random weights, which must be verified."""
    found = netspec.import_model(nets.randomized(module), inputs=inputs)
    assert found.verification is not None and found.verification.difference < 1e-5
    return found
