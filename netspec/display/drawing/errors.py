"""NS567: characters of a picture that no font has."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class MissingGlyphs(Diagnostic):
    """The installed fonts have no glyphs for some characters of a picture, such as those of a class name. An .svg is
    shown with the fonts of the browser.
    """

    code = "NS567"
    severity = "warning"
    title = "no installed font has {characters}, which the picture shows as frames"
    hint = "write the picture as .svg, or install a font that has them"
    characters: str
