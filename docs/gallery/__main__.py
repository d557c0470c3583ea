"""Write the gallery: `python docs/gallery` draws every spec that comes with netspec, and the page that shows them.

A test compares the files with what this gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from netspec.report.drawing.draw import draw
from netspec.spec.compilation import Compilation, read_source

HERE = Path(__file__).parent
SPECS = HERE.parents[1] / "specs"

STYLES = {"lenet5": "maps", "alexnet": "maps", "alexnet_grouped": "maps", "unet": "blocks", "transformer": "blocks"}
"""Networks that are drawn as the papers draw them."""

HEAD = """# Gallery

Every network that comes with netspec, as `netspec draw` draws it; `-o NAME.html` gives a page whose blocks open and
close. The bar below a number of parameters is their fraction of all. `python docs/gallery` writes these pictures.
"""


def files() -> Iterator[tuple[str, str]]:
    """The names and the contents of the files, the pictures before the page."""
    page = [HEAD]
    for path in sorted(SPECS.glob("*.net")):
        style = STYLES.get(path.stem, "flow")
        yield f"{path.stem}.svg", draw(Compilation(read_source(path)).network, "svg", style).decode()
        said = path.read_text(encoding="utf-8").split("\n\n")[0]
        about = " ".join(line.removeprefix("#").strip() for line in said.splitlines() if line.startswith("#"))
        options = f" --style {style}" if style != "flow" else ""
        command, picture = f"`netspec draw specs/{path.name}{options}`", f"![{path.stem}]({path.stem}.svg)"
        page.append(f"## {path.stem}\n\n{about}\n\n{command}\n\n{picture}\n")
    yield "README.md", "\n".join(page)


if __name__ == "__main__":
    for name, content in files():
        (HERE / name).write_text(content, encoding="utf-8")
