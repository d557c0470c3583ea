"""Models of other libraries: `Input(…)`, `Model(inputs, outputs)`, `Sequential([…])`, methods such as `model.add(…)`.

Input: such a call, and the names of the file. Output: what to write instead; it fits what is said of the other lines.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from netspec.compiler.names.hints.foreign import is_input, join_layers, last_part, rewrite
from netspec.compiler.syntax import tree
from netspec.language.corrections import squeeze

METHODS = ("compile", "fit", "evaluate", "predict", "summary", "build", "save", "to", "eval")
"""Methods of models in other libraries that no layer replaces."""


def advise_call(call: tree.Call, own: Collection[str]) -> str | None:
    """What to write instead of a call that declares an input or a model, or of a method of a model."""
    name = call.function.span.text
    root = name.partition(".")[0]
    before = re.search(r"(?:^|\n)[ \t]*(?:output[ \t]+)?(\w+)[ \t]*=[ \t]*$", call.span.source.text[: call.span.start])
    if is_input(call) and (sizes := _input_sizes(call)):
        again = before and re.findall(rf"^[ \t]*{before[1]}[ \t]*=", call.span.source.text, re.MULTILINE)[1:]
        label = f"{before[1]}: " if before and not again else ""
        return f"declare the input on its own line: `input {label}{sizes}`"
    if squeeze(last_part(name)) in ("model", "functional") and (outputs := _outputs(call)):
        if isinstance(outputs[0], tree.Name) and len(outputs) > 1:
            names = " and ".join(f"`{item.span.text}`" for item in outputs)
            return f"remove this line, and begin those of {names} with `output`: `output {outputs[0].span.text} = …`"
        place = " alone on this line: it is the network" if before else ""
        return f"write `{rewrite(outputs[0], None, own)}`{place}"
    inner = [a.value for a in call.arguments if a.name is None]
    if squeeze(last_part(name)) == "timedistributed" and len(inner) == 1:
        return f"write `{rewrite(inner[0], None, own)}`: it is applied to each step"
    items = [item for a in call.arguments for item in (getattr(a.value, "items", None) or [a.value])]
    if squeeze(last_part(name)) == "sequential" and (inputs := [item for item in items if is_input(item)]):
        return f"write `{rewrite(call, None, own)}`, and `input {_input_sizes(inputs[0])}` on a line before it"
    is_empty = re.search(rf"^[ \t]*{root}[ \t]*=[ \t]*[\w.]*Sequential\([ \t]*\)", call.span.source.text, re.MULTILINE)
    if last_part(name) == "add" and root != name and call.arguments and is_empty:
        arrow = "-> " if f"{root}.add(" in call.span.source.text[: call.span.start] else ""
        return f"write `{arrow}{join_layers(items, own)}`"
    if root != name and root in own and last_part(name) in METHODS:
        return "remove it: training is described in `train { … }`, and started by `netspec train`"
    if root != name and root in own and call.arguments:
        return f"write `{root} -> {join_layers([a.value for a in call.arguments], own)}`: layers are joined by `->`"
    return None


def _input_sizes(call: tree.Expression) -> str:
    """The sizes of an input that a call declares."""
    arguments = call.arguments if isinstance(call, tree.Call) else ()
    named = [a.value for a in arguments if a.name is not None and squeeze(a.name.name) in ("shape", "inputshape")]
    given = named or [a.value for a in arguments if a.name is None]
    return "x".join(size for value in given for size in re.findall("[0-9]+", value.span.text))


def _outputs(call: tree.Call) -> Sequence[tree.Expression]:
    """The outputs of a model that is made of tensors: `Model(inputs, outputs)`."""
    named = [a.value for a in call.arguments if a.name is not None and squeeze(a.name.name) in ("outputs", "output")]
    outputs = (named or [a.value for a in call.arguments if a.name is None][1:2])[:1]
    return [item for one in outputs for item in (one.items if isinstance(one, tree.ListLiteral) else (one,))]
