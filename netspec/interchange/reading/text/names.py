"""Names of tensors, inputs, outputs and blocks: those of the file if they say something, otherwise by the content."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import takewhile

from netspec.interchange.reading.text.repeats import has_branches
from netspec.interchange.reading.text.terms import Block, Call, Chain, Merge, Repeat, Term, Use, walk
from netspec.language.vocabulary import RESERVED, words
from netspec.layers.activation_layer import ActivationLayer

EMPTY = re.compile(
    r"(input|output|x|y|data|serving_default|args|arg|inputs|outputs|identity|model|main|graph|call|tensor|image)?"
    r"[_.]?\d*(_\d+)*"
)
"""Names that say nothing; matched as a whole."""
CLASS = re.compile(r"[A-Z]\w*[a-z]\w*")
"""The name of a class in Python."""
NORMS = ("batchnorm", "layernorm", "groupnorm", "instancenorm", "rmsnorm", "lrn")


class Names:
    """Names that are taken."""

    def __init__(self) -> None:
        self.taken = {*RESERVED.split(), "tokens", "use", "netspec", "data", "train", "expect"}
        for category in ("layer", "activation"):
            self.taken |= set(words(category))

    def take(self, *wishes: str) -> str:
        """The first name that is free, or the last one with a number."""
        for wish in wishes:
            if wish not in self.taken:
                self.taken.add(wish)
                return wish
        number = 2
        while f"{wishes[-1]}{number}" in self.taken:
            number += 1
        name = f"{wishes[-1]}{number}"
        self.taken.add(name)
        return name


def spoken(name: str) -> str:
    """A name of a file as one of a spec, or nothing if it says nothing: `Encoder/Out:0` is `encoder_out`."""
    text = re.sub(r":\d+$", "", name)
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    text = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower()
    if not text or not text.isascii() or text[0].isdigit() or len(text) > 24:
        return ""
    return "" if EMPTY.fullmatch(text) else text


def name_blocks(blocks: Iterable[Block], chains: Iterable[Chain], names: Names) -> None:
    """Give every block a name, inner ones first: that of the class that it has in the file, or one by its content.

    Args:
        blocks: the blocks.
        chains: all others; a class that is around everything is that of the network.
        names: those that are taken.
    """
    blocks = list(blocks)
    around = len(_scope((*chains, *(block.body for block in blocks))))
    for block in blocks:
        classes = [spoken(part) for part in _scope((block.body,))[around:] if CLASS.fullmatch(part)]
        block.name = names.take(*[name for name in classes[-1:] if name], *_wishes(block.body))


def _scope(chains: Iterable[Chain]) -> tuple[str, ...]:
    """The modules that are around all layers of some chains."""
    scopes = [term.scope for chain in chains for term in walk(chain) if isinstance(term, Use)]
    return tuple(takewhile(lambda part: part, _common(scopes))) if scopes else ()


def _common(scopes: list[tuple[str, ...]]) -> list[str]:
    return [parts[0] if len(set(parts)) == 1 else "" for parts in zip(*scopes, strict=False)]


def _wishes(chain: Chain) -> list[str]:
    """Names for a block, the best first."""
    inner = [term for term in walk(chain) if isinstance(term, Use)]
    kinds = [_kind(term) for term in inner]
    calls = [term.block.name for term in walk(chain) if isinstance(term, Call) and term.block is not None]
    merges = [term for term in chain if isinstance(term, Merge)]
    if kinds and kinds[-1] == "dense" and not {"conv", "maxpool", "avgpool", "gap"}.isdisjoint(kinds):
        return ["head"]
    if kinds and kinds[0] in ("upconv", "upsample"):
        return ["up"]
    if kinds and kinds[0] in ("maxpool", "avgpool") and isinstance(chain[0], Use):
        return ["down"]
    has_copies = any(isinstance(term, Repeat) and has_branches(term.chains[0]) for term in chain)
    if (len(merges) > 1 or has_copies) and "attention" not in kinds:
        return ["stage"]
    if "attention" in kinds or any("attention" in name for name in calls):
        crosses = any(isinstance(t, Merge) and _kind(t.joint) == "attention" for t in walk(chain))
        is_layer = "dense" in kinds or any("feed" in name for name in calls)
        if not is_layer:
            return ["cross_attention" if crosses else "self_attention"]
        return ["decoder_layer" if crosses else "encoder_layer"]
    if merges:
        return _wishes_of_branches(merges[0], kinds, chain)
    return _wishes_of_chain(chain, kinds, calls)


def _wishes_of_branches(merge: Merge, kinds: list[str], chain: Chain) -> list[str]:
    joint = _kind(merge.joint)
    has_shortcut = any(not branch for branch in merge.branches)
    if joint == "mul":
        return ["squeeze_excite"] if has_shortcut and "gap" in kinds else ["gated"]
    if joint == "add":
        if has_shortcut and "dense" in kinds and "conv" not in kinds:
            return ["feed_forward"]
        if _is_bottleneck(merge):
            return ["bottleneck"]
        if has_shortcut:
            return ["inverted_residual"] if "depthwise" in kinds else ["residual_block"]
        return ["residual_block", "downsample_block"]
    if joint == "concat":
        if not has_shortcut and len(merge.branches) > 2:
            return ["inception", "mixed"]
        return ["dense_layer"] if has_shortcut and len(chain) == 1 else ["merge_block"]
    return ["block"]


def _is_bottleneck(merge: Merge) -> bool:
    """Whether a branch has a wider convolution between two 1x1 convolutions."""
    for branch in merge.branches:
        uses = [term for term in walk(branch) if isinstance(term, Use) and term.word == "conv"]
        kernels = [term.numbers.get("kernel") for term in uses]
        if len(kernels) == 3 and kernels[0] == kernels[2] == 1 != kernels[1]:
            return True
    return False


def _wishes_of_chain(chain: Chain, kinds: list[str], calls: list[str]) -> list[str]:
    first, last = (kinds[0], kinds[-1]) if kinds else ("", "")
    if len(chain) == 1 and isinstance(chain[0], Repeat) and not calls:
        return [f"double_{first}"] if chain[0].values == (2,) and first else [f"{first}_block"]
    has_pool = any(kind in ("maxpool", "avgpool") for kind in kinds)
    if (calls and not kinds) or (any(isinstance(term, Repeat) for term in chain) and (calls or has_pool)):
        return ["stage"]
    if first in NORMS:
        return ["transition"] if has_pool else ["norm_conv" if "conv" in kinds else "norm_block"]
    if has_pool:
        return ["down"] if first in ("maxpool", "avgpool") else ["stage", "stack"]
    if "upconv" in kinds or first == "upsample":
        return ["up"]
    if set(kinds) <= {"dense", "dropout", "activation"} and "dense" in kinds:
        return ["feed_forward"] if kinds.count("dense") > 1 else ["hidden"]
    if first == "conv" and "depthwise" in kinds:
        return ["inverted_bottleneck"]
    if first == "depthwise":
        return ["separable_unit"] if "conv" in kinds else ["depthwise_norm"]
    if kinds.count("conv") == 1 and first == "conv":
        return ["conv_norm", "conv_unit"] if any(kind in NORMS for kind in kinds) else ["conv_unit"]
    if calls and last == "activation" and len(kinds) == 1:
        return ["conv_unit"]
    if kinds and set(kinds) <= {"conv"}:
        return ["conv_block"]
    return ["block"]


def _kind(term: Term) -> str:
    """The word of a layer, `activation` for all of these."""
    if not isinstance(term, Use) or term.layer is None:
        return ""
    return "activation" if isinstance(term.layer, ActivationLayer) else term.layer.word
