"""What to write instead: rules for the mistakes that people make, in particular those who come from other languages.

Input: a `Mistake`, the place in a statement where the grammar refuses a token. Output: a sentence. The first rule
that applies wins; without one, the sentence lists what is expected.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from netspec.compiler.syntax.tokens import CLOSING, OPENING, SYMBOL, Token, dict_advice
from netspec.language.record import Frozen

TEXTS = {
    "ARROW": "->", "COMMA": ",", "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "LBRACE": "{", "RBRACE": "}",
    "DOT": ".", "COLON": ":", "EQUAL": "=", "VBAR": "|", "IF": "if", "ELSE": "else",
}  # fmt: skip
"""Terminals that are shown by their text."""

WORDS = {"NAME": "a name", "NUMBER": "a number", "STRING": "a string"}
"""Terminals that are shown by what they are; the others (operators, declarations) never help and are left out."""

VALUE_ENDS = frozenset(["NAME", "NUMBER", "EXTENT", "STRING", "RPAR", "RSQB", "TRUE", "FALSE", "INPUT"])
VALUE_STARTS = frozenset(["NAME", "NUMBER", "EXTENT", "STRING", "LPAR", "LSQB", "TRUE", "FALSE", "INPUT", "NOT"])
TOP_LEVEL = frozenset(["DEF", "PARAM", "OUTPUT", "USE", "NETSPEC"])
RESERVED = TOP_LEVEL | {"INPUT", "TOKENS", "SHARE", "TRUE", "FALSE"}

_IMPORT = 'other files are imported with `use "blocks.net" (name)`'
_NAMING = "define a name with `name = value`, without a word before it"
_DEFINE = "define a block with `def name(a, b = 2) = layer -> layer`"
_REPEAT = "there are no loops: `layer * 3` repeats a layer, and a `def` takes arguments"
FOREIGN = {
    **dict.fromkeys(["import", "from", "include", "require"], _IMPORT),
    **dict.fromkeys(["let", "var", "val", "const", "auto", "int", "float", "set"], _NAMING),
    **dict.fromkeys(["fn", "func", "fun", "function", "class", "module", "block", "macro", "lambda"], _DEFINE),
    **dict.fromkeys(["for", "while", "repeat", "loop"], _REPEAT),
    **dict.fromkeys(["model", "network", "layer", "net", "then"], "write the layers themselves, joined by `->`"),
    "return": "the last expression of a `def` is its value; remove `return`",
    "print": "remove it: a spec cannot print",
    "elif": "write `a if condition else b if other else c`",
    "with": "remove it",
    "inputs": "write `input` for each input on its own line, such as `input image: 28x28x1`",
    "outputs": "write `output` for each output on its own line: `output name = …`",
    "assert": "expectations are in braces: `expect { params < 1M }`",
}
"""Words of other languages that people begin a line with."""

MAX_CHAIN = 100
"""Longer chains are not written out again in a hint."""


class Mistake(Frozen):
    """The place of a token that the grammar refuses; `index` after the last token is the end of the statement."""

    tokens: list[Token]
    index: int
    accepted: frozenset[str]

    def kind(self, offset: int = 0) -> str:
        """The type of the token that far from the mistake; empty where there is none."""
        index = self.index + offset
        return self.tokens[index].type if 0 <= index < len(self.tokens) else ""

    def text(self, offset: int = 0) -> str:
        """The text of the token that far from the mistake, cut when it is long."""
        index = self.index + offset
        return shorten(self.tokens[index]) if 0 <= index < len(self.tokens) else ""

    @property
    def bracket(self) -> str:
        """The kind of the innermost open bracket, or nothing."""
        stack: list[str] = []
        for token in self.tokens[: self.index]:
            if token.type in OPENING:
                stack.append(token.type)
            elif token.type in CLOSING:
                stack.pop()
        return stack[-1] if stack else ""

    @property
    def is_in_call(self) -> bool:
        """Whether the innermost open bracket holds the arguments of a call."""
        depth = 0
        for index in range(self.index - 1, 0, -1):
            kind = self.tokens[index].type
            depth += (kind in CLOSING) - (kind in OPENING)
            if depth < 0:
                return bool(kind == "LPAR" and self.tokens[index - 1].type == "NAME")
        return False


def shorten(token: Token) -> str:
    """The text of a token, fit for a message."""
    text = str(token)
    return text if len(text) <= 24 else text[:24] + "…"


def find_advice(mistake: Mistake) -> str:
    """What to type instead."""
    return next((advice for rule in RULES if (advice := rule(mistake)) is not None), None) or _expected(mistake)


def _foreign(m: Mistake) -> str | None:
    if m.kind(-1) == "NAME" and (m.index == 1 or m.text(-1) == "lambda" or m.kind(-2) in ("_NL", "LBRACE")):
        return FOREIGN.get(m.text(-1))
    return None


def _comment(m: Mistake) -> str | None:
    is_slash = m.kind() in ("FLOOR", "SLASH") and m.kind(-1) in ("", "_NL", "LBRACE")
    is_star = m.kind() == "STAR" and m.kind(-1) == "SLASH"
    is_doc = m.kind() == m.kind(-1) == "STRING"
    return "a comment begins with `#`" if is_slash or is_star or is_doc or comment_before(m) is not None else None


def comment_before(m: Mistake) -> int | None:
    """The token `//` that begins the words among which the mistake is, if the line has one outside of brackets."""
    depth = 0
    for index in range(min(m.index, len(m.tokens)) - 1, 0, -1):
        token = m.tokens[index]
        depth += (token.type in CLOSING) - (token.type in OPENING)
        if token.type in ("_NL", "LBRACE") or token.line != m.tokens[min(m.index, len(m.tokens) - 1)].line:
            return None
        if token.type == "FLOOR" and depth >= 0 and m.tokens[index - 1].type in VALUE_ENDS:
            return index
    return None


def _colon(m: Mistake) -> str | None:
    if m.kind() != "COLON":
        return None
    if m.tokens[0].type == "DEF" and "LBRACE" in m.accepted:
        return "write `=` and the layers after it, or put statements in braces: `def name(a) { … }`"
    if m.kind(-1) == "INPUT":
        return "remove the `:`; only a named input has one: `input image: 28x28x1`"
    if m.index == 1 and (not m.kind(1) or m.tokens[2].line > m.tokens[1].line):
        return f"put settings in braces: `{m.text(-1)} {{ … }}`"
    if m.tokens[0].type in ("PARAM", "SHARE") and m.index == 2 and m.kind(2) == "EQUAL":
        return f"remove the type: `{m.tokens[0]} {m.text(-1)} = {m.text(3)}`"
    if "EQUAL" in m.accepted:
        return "write `=` instead of `:`"
    if m.kind(-1) == "STRING" and m.bracket == "LBRACE":
        return dict_advice(m.tokens, m.index - 2) or f"settings have no quotes: write `{m.text(-1)[1:-1]} = …`"
    if m.kind(-1) == "OUTPUT":
        return f"write `=` after the name of an output: `output name = {m.text(1)}…`"
    is_input = "a `:` is allowed only after the name of an input: `input image: 28x28x1`"
    return dict_advice(m.tokens, m.index - 2) or is_input


def _arrow(m: Mistake) -> str | None:
    if m.kind() == "ARROW" and m.tokens[0].type == "INPUT" and "$END" in m.accepted:
        return "remove this `->`: the first layer begins the chain and takes the input"
    if m.kind() == "ARROW" and m.index == 0:
        return "a chain begins with a layer or a tensor; remove this `->`, or write what comes before it"
    if m.index == len(m.tokens) and m.kind(-1) == "ARROW":
        return "write a layer after this `->`, or remove it"
    if m.kind() == "ARROW" and m.kind(-1) == "ARROW":
        return "remove one of the two `->`, or write a layer between them"
    is_pair = m.text() in (">", ">=") and m.kind(-1) in ("EQUAL", "COMPARE", "VBAR", "MINUS")
    is_first = m.kind() in ("EQUAL", "VBAR") and m.text(1) == ">"
    is_long = m.kind() == "ARROW" and m.kind(-1) == "MINUS"
    return "layers are joined by `->`" if is_pair or is_first or is_long else None


def _equal(m: Mistake) -> str | None:
    if m.text() == "==" and "EQUAL" in m.accepted:
        return "write a single `=` to set a value"
    if m.kind() != "EQUAL":
        return None
    if m.kind(-1) in ("PLUS", "MINUS", "STAR", "SLASH"):
        return "values cannot be changed; give the result a new name: `name = …`"
    if m.kind(-1) == "INPUT":
        return "write `input 28x28x1`, or `input image: 28x28x1` for an input with a name"
    if m.kind(-1) == "EQUAL":
        return "write `==` to compare, and a single `=` to set a value"
    if m.kind(-1) in RESERVED:
        return f"`{m.text(-1)}` is a keyword of the language; choose another name"
    line = m.tokens[: m.index]
    if m.bracket in ("", "LBRACE") and m.kind(-1) == "NAME" and any(token.type == "EQUAL" for token in line):
        return "put each `name = value` on its own line"
    if "COMPARE" in m.accepted:
        return "write `==` to compare; `name = value` needs a plain name on its left"
    return None


def _bar(m: Mistake) -> str | None:
    if m.kind() != "VBAR":
        return None
    if "VBAR" in (m.kind(-1), m.kind(1)):
        return "write `or`; a single `|` separates parallel branches: `(a | b)`"
    if m.bracket != "LPAR" or "COMMA" not in m.accepted:
        return "put parallel branches in parentheses: `(a | b) -> concat`"
    return "put the branches in their own parentheses: `((a | b) -> concat, …)`"


def _brace(m: Mistake) -> str | None:
    if m.kind() == "LBRACE" and m.index == 0:
        return "put `{` on the same line as the section or `def` that it belongs to"
    if m.kind() == "LBRACE" and m.kind(-1) == "EQUAL" and m.kind(-2) == "NAME":
        return dict_advice(m.tokens, m.index) or f"remove the `=`: `{m.text(-2)} {{ … }}`"
    if m.kind() in ("LBRACE", "SECTION") and m.bracket in ("LPAR", "LSQB"):
        return "braces are for statements and settings; named arguments are `key = value`, lists are in `[ ]`"
    if m.kind() == "LBRACE":
        return "`{` opens a section such as `train { … }`, or the body of a `def`"
    return None


def _reserved(m: Mistake) -> str | None:
    if m.kind() == "OUTPUT" and m.kind(1) in ("COMPARE", "DOT") and m.bracket == "LBRACE":
        return "write the name of an output or of a tensor, as in `output digit = …` and `digit == 10`"
    if m.kind() in TOP_LEVEL and (m.bracket == "LBRACE" or m.kind(-1) == "RBRACE"):
        return f"`{m.text()}` must be at the start of a line, outside all braces"
    is_operator = m.kind() in ("IF", "ELSE", "AND", "OR", "NOT") and m.kind(1) == "EQUAL"
    if is_operator or (m.kind() in RESERVED and "NAME" in m.accepted):
        return f"`{m.text()}` is a keyword of the language; choose another name"
    return None


def _condition(m: Mistake) -> str | None:
    if m.kind() in ("IF", "ELSE") and m.kind(-1) in ("", "_NL", "LBRACE"):
        return "write a choice within a line: `relu if deep else identity`"
    if "ELSE" in m.accepted and m.kind() not in VALUE_STARTS:
        return "an `if` needs an `else`: `dropout(0.5) if deep else identity`"
    if m.kind() == "COMPARE" and any(token.type == "COMPARE" for token in m.tokens[: m.index]):
        return "comparisons cannot be chained: write `a < b and b < c`"
    return None


def _sizes(m: Mistake) -> str | None:
    """Numbers of a size that are written in another way: `input 28, 28, 1`, `input [28, 28]`, `input 28 28`."""
    if m.tokens[0].type != "INPUT" or m.tokens[min(m.index, len(m.tokens) - 1)].line != m.tokens[0].line:
        return None
    line = [t for t in m.tokens[1:] if t.line == m.tokens[0].line]
    name, rest = "", line
    if len(line) > 2 and line[0].type == "NAME" and line[1].type in ("COLON", "EQUAL"):
        name, rest = ("" if line[0] in ("shape", "size") else f"{line[0]}: "), line[2:]
    elif line and line[0].type == "LPAR" and len(line) > 3 and line[2].type == "EQUAL":
        rest = line[3:]
    elif line and line[0].type in ("EQUAL", "COLON"):
        rest = line[1:]
    if [t in ("x", "X") for t in rest] == [bool(i % 2) for i in range(len(rest))] and "NAME" in {
        t.type for t in rest[::2]
    }:
        return f"write `input {name}({', '.join(map(str, rest[::2]))})`" if len(rest) % 2 else None
    sizes = [t for t in rest if t.type in ("NUMBER", "EXTENT")]
    between = {str(t) for t in rest} - {str(t) for t in sizes}
    if not sizes or between - {",", "*", "[", "]", "(", ")", "x", "X"}:
        return None
    return f"write `input {name}{'x'.join(map(str, sizes))}`"


def _declaration(m: Mistake) -> str | None:
    first = m.tokens[0]
    if first.type in ("OUTPUT", "SHARE", "PARAM") and m.index <= 2 and m.kind() != "EQUAL":
        return f"write a name and `=` after `{first}`: `{first} name = …`"
    if first.type == "DEF" and m.index == 1:
        return "write a name after `def`: `def name(a, b = 2) = …`"
    if first.type == "DEF" and {"EQUAL", "LBRACE"} <= m.accepted:
        return "write `=` and the layers after it, or put statements in braces: `def name(a) { … }`"
    if first.type == "USE":
        return 'write `use "blocks.net"` or `use std.resnet`, with the names to import after it: `(name, name)`'
    if first.type == "INPUT" and m.index == 1:
        return (
            "write the size after `input`: `input 28x28x1`, `input 8`, `input (H, W, 3)` or `input 128 tokens(30522)`"
        )
    if first.type == "INPUT" and m.index == 2 and m.kind(-1) == "NAME" and m.kind() in VALUE_STARTS:
        return f"put a `:` after the name of an input: `input {m.text(-1)}: {m.text()}`"
    if first.type == "INPUT" and m.kind(-1) == "TOKENS" and m.kind() == "NUMBER":
        return f"put the number of ids in parentheses: `tokens({m.text()})`"
    if first.type == "INPUT" and m.text() in ("token", "tokens", "ids") and m.kind(1) == "LPAR":
        return f"write `tokens({m.text(2)})`"
    if first.type == "INPUT" and "$END" in m.accepted and m.kind() in ("PLUS", "MINUS", "STAR", "SLASH", "FLOOR"):
        return "put computed sizes in parentheses: `input (2 * n, 2 * n, 3)`"
    if first.type == "NETSPEC":
        return "write `netspec 1`"
    return None


def _argument(m: Mistake) -> str | None:
    if m.kind() in ("NUMBER", "EXTENT") and m.text(-1) in ("x", "X") and m.kind(-2) in ("NUMBER", "EXTENT"):
        return f"a shape has no spaces: {m.text(-2)}x{m.text()}"
    if m.bracket == "LBRACE" and m.kind(-1) == "NAME" and m.kind(-2) in ("_NL", "LBRACE") and m.kind() in VALUE_STARTS:
        return f"write `=` between a setting and its value: `{m.text(-1)} = {m.text()}`"
    is_bare = m.kind() in ("NUMBER", "EXTENT", "STRING") and m.kind(-1) == "NAME" and "LPAR" in m.accepted
    if is_bare and not m.is_in_call:
        return f"put arguments in parentheses: {m.text(-1)}({m.text()})"
    if m.kind(-1) == "PERCENT" and m.kind(-2) == "NUMBER" and m.kind() not in VALUE_STARTS:
        return f"a percentage has no space before `%`: {m.text(-2)}%"
    if m.kind() == m.kind(-1) == "STAR":
        return "there is no power operator: write `x * x`; `layer * 3` repeats a layer"
    if m.kind() == "COMMA" and m.kind(-1) in ("COMMA", "LPAR", "LSQB"):
        return "remove this comma, or write a value before it"
    if m.kind() == "COMMA" and m.bracket not in ("LPAR", "LSQB"):
        return _comma(m)
    return None


def ends_line(m: Mistake) -> bool:
    """Whether nothing follows a comma, or a line that does not continue a chain."""
    if m.kind(1) in ("", "_NL", "RBRACE"):
        return True
    is_layer = m.kind(-1) in ("NAME", "RPAR") and m.kind(1) == "NAME" and m.kind(2) not in ("EQUAL", "COLON")
    is_chain = is_layer and m.tokens[0].type != "SECTION"
    return bool(m.tokens[m.index + 1].line > m.tokens[m.index].line) and not is_chain


def _comma(m: Mistake) -> str:
    """A comma outside of brackets: at the end of a line, between settings, words of a chain or layers."""
    if ends_line(m):
        return "remove this comma"
    if m.kind(1) == "NAME" and m.kind(2) == "EQUAL":
        return f"write `{m.text(1)} = …` on its own line, without this comma"
    if "source" in [str(t) for t in m.tokens[: m.index] if t.line == m.tokens[m.index].line]:
        return "a data set has one source: remove the others"
    if m.kind(1) == "NAME" and m.kind(-1) in ("NAME", "RPAR"):
        count, text = _chained(m)
        advice = "write `->` instead of " + ("this comma" if count == 1 else "these commas")
        return f"{advice}: `{text}`" if len(text) <= MAX_CHAIN else advice
    if m.kind(-1) == m.kind(1) == "NUMBER":
        return f"write numbers without commas: `{m.text(-1)}{m.text(1)}`"
    return "commas are allowed only inside brackets; put each statement or setting on its own line"


def _chained(m: Mistake) -> tuple[int, str]:
    """The number of commas in the chain around a mistake, and the chain with arrows."""
    start, end, depth = m.index, m.index, 0
    while start and (depth or m.tokens[start - 1].type not in ("EQUAL", "_NL", "LBRACE", "LPAR")):
        start -= 1
        depth += (m.tokens[start].type in CLOSING) - (m.tokens[start].type in OPENING)
    commas = []
    while end < len(m.tokens) and (depth or m.tokens[end].type not in ("_NL", "RBRACE")):
        is_comma = m.tokens[end].type == "COMMA" and not depth
        if is_comma and [t.type for t in m.tokens[end + 1 : end + 3]] != ["NAME", "EQUAL"]:
            commas.append(end)
        elif is_comma:
            break
        depth += (m.tokens[end].type in OPENING) - (m.tokens[end].type in CLOSING)
        end += 1
    if commas[-1] == end - 1:
        commas.pop()
        end -= 1
    tokens = [t.update(value=" ->") if i in commas else t for i, t in enumerate(m.tokens[start:end], start)]
    return len(commas), _text(tokens)


def _text(tokens: list[Token]) -> str:
    """Tokens as they are written, with a space where one or more of them are apart."""
    gaps = [a.end_pos < b.start_pos or a == " ->" for a, b in pairwise(tokens)]
    return "".join(f"{token}{' ' * gap}" for token, gap in zip(tokens, [*gaps, False], strict=True))


def _adjacent_values(m: Mistake) -> str | None:
    """Two values with nothing between them."""
    if m.kind(-1) not in VALUE_ENDS or m.kind() not in VALUE_STARTS:
        return None
    is_group = m.bracket == "LPAR" and not m.is_in_call and m.kind(-1) == "RPAR" and m.kind() == "NAME"
    if "COMMA" in m.accepted and not (is_group and "ARROW" in m.accepted):
        return f"put a comma between `{m.text(-1)}` and `{m.text()}`"
    if m.kind() == "LSQB":
        return "values cannot be indexed; read sizes as `input.channels`, and put arguments in `( )`"
    if "ARROW" not in m.accepted:
        return None
    if m.kind() == "LPAR" and m.kind(-2) == "DOT":
        return f"layers follow each other: write `-> {m.text(-1)}` instead of `.{m.text(-1)}(…)`"
    if m.kind() == "LPAR" and m.kind(-1) == "RPAR" and m.tokens[m.index - 1].end_pos == m.tokens[m.index].start_pos:
        return f"layers are not called like functions: {_called(m)}"
    if m.kind() == "LPAR":
        return "join layers with `->`, or put the next statement on its own line"
    return f"join layers with `->`, or put `{m.text()}` on its own line"


def _called(m: Mistake) -> str:
    """A layer that is called with its input, as a chain."""
    depth, start = 0, m.index - 1
    while start > 0:
        depth += (m.tokens[start].type in CLOSING) - (m.tokens[start].type in OPENING)
        if depth == 0:
            break
        start -= 1
    layer = _text(m.tokens[max(0, start - 1) : m.index])
    if m.kind(1) in ("NAME", "INPUT") and m.kind(2) == "RPAR" and len(layer) < MAX_CHAIN:
        return f"write `{m.text(1)} -> {layer}`"
    return "write their input before them, as in `input -> dense(128)`"


RULES: tuple[Callable[[Mistake], str | None], ...] = (
    _foreign, _comment, _sizes, _colon, _arrow, _equal, _bar, _brace,
    _reserved, _condition, _declaration, _argument, _adjacent_values,
)  # fmt: skip


def _expected(m: Mistake) -> str:
    accepted = m.accepted
    if accepted >= VALUE_STARTS - {"NOT"}:
        words = ["a value"]
        accepted &= {"RPAR", "RSQB", "RBRACE"}
    else:
        words = [WORDS[kind] for kind in WORDS if kind in accepted]
    words += [f"`{text}`" for kind, text in TEXTS.items() if kind in accepted]
    words += ["an operator"] * ("PLUS" in accepted) + ["the end of the line"] * bool({"$END", "_NL"} & accepted)
    if not words:
        return f"remove it, or the `{SYMBOL[m.bracket]}` before it" if m.bracket else "remove it"
    return "expected " + (", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else words[0])
