"""What a spec says elsewhere that decides the hint about its data.

Input: what a data source found, and the spec. Output: the same with the values that are written in the spec.
"""

from __future__ import annotations

from netspec.compiler.syntax import tree
from netspec.language.diagnostics import Unplaced


def with_context(bad: Unplaced, file: tree.File) -> Unplaced:
    """The mistake with the size of the declared input as that of images."""
    if "size" in bad.fields and (size := _declared_size(file)):
        return Unplaced(bad.kind, option=bad.option, **{**bad.fields, "size": size})
    return bad


def _declared_size(file: tree.File) -> str:
    """Height x width of the input; empty where none or several are declared."""
    shapes = [statement.shape for statement in file.statements if isinstance(statement, tree.InputDeclaration)]
    sizes = shapes[0].sizes if len(shapes) == 1 and isinstance(shapes[0], tree.ExtentLiteral) else ()
    return f"{sizes[0]}x{sizes[1]}" if len(sizes) in (2, 3) else ""
