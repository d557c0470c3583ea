"""What `netspec check` reports: all that `netspec train` would before its first step, as far as small files tell.

Input: a `Compilation`. Output: diagnostics, each once. Larger data are judged by the heads of their files alone, since
a check takes a fraction of a second; `netspec train` looks at all of them.
"""

from __future__ import annotations

from netspec.compiler.elaborate.values import BAD
from netspec.language.diagnostics import CompileError, Diagnostic
from netspec.spec.compilation import Compilation

MAX_BYTES = 8 << 20
"""`check` reads the examples of files that have at most this size together, in bytes."""


def diagnose_all(compilation: Compilation) -> list[Diagnostic]:
    """Every error and warning of a spec, of its settings, and of its data where they are small."""
    found = list(compilation.diagnose())
    if compilation.problems.errors or compilation.graph is None:
        return found
    if not ({"data", "train"} & {*compilation.resolution.settings}):
        return found
    if _can_look(compilation):
        from netspec.spec.checks import check_training, load_data  # NumPy and more are imported for it

        try:
            found += check_training(compilation, load_data(compilation)).warnings
        except CompileError as wrong:
            found += wrong.diagnostics
    if compilation.train.init is not None or compilation.train.init_parts:
        from netspec.spec.checks import check_start

        try:
            found += check_start(compilation)
        except CompileError as wrong:
            found += wrong.diagnostics
    unlike = {(diagnostic.code, diagnostic.message): diagnostic for diagnostic in reversed(found)}
    return list(unlike.values())[::-1]


def _can_look(compilation: Compilation) -> bool:
    """Whether the examples are in memory already, or are few."""
    settings, folder = compilation.section("data"), compilation.data_folder
    if settings is BAD or settings.source is None or compilation.given_facts is not None or settings.stream:
        return False
    from netspec.data.load import is_loaded

    size = settings.source.file_bytes(folder)
    return is_loaded(settings, folder) or (size is not None and size <= MAX_BYTES)
