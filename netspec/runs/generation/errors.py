"""NS615–NS619: networks and prompts that nothing can be generated from, and what to know about a text."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class NotALanguageModel(Diagnostic):
    """The network does not predict the next id of a sequence, so that nothing can be generated with it.

    A language model takes token ids and gives, at each step, a probability for each of the same ids:
    `input 128 tokens(65)`, and at the end `dense(65, softmax)`. With further inputs, such as the text to translate, the
    sequence that is generated is the one whose steps the output has.
    """

    code = "NS615"
    title = "`{network}` cannot generate: {reason}"
    network: str
    reason: str


class ReadsLaterSteps(Diagnostic):
    """The prediction of the next id depends on the steps after it, which do not exist yet when a text is generated.

    Attention needs `causal = true`, a convolution padding at the start alone; a bidirectional layer cannot be part of a
    language model. Train the network again after the change: this one has learned to copy what it should predict.
    """

    code = "NS616"
    title = {
        "found": "`{network}` cannot generate: its predictions depend on later steps",
        "": "`{network}` cannot generate: `{layer}` {reason}",
    }
    network: str
    layer: str = ""
    reason: str = ""


class Recomputed(Diagnostic):
    """A layer of the network has no form that computes the next step from what earlier ones have left. Each step then
    computes the whole sequence: the text is the same, and takes longer.
    """

    code = "NS617"
    severity = "warning"
    title = "each step computes the whole sequence again: `{layer}` {reason}"
    hint = "generation is faster without this layer"
    layer: str
    reason: str


class WrongPrompt(Diagnostic):
    """The prompt is empty, or not what the network takes: a text for a network that was trained on texts, ids for
    others, and for an encoder and a decoder also the id that every target begins with.
    """

    code = "NS618"
    title = "cannot generate from this prompt: {reason}"
    reason: str


class LongerThanTrained(Diagnostic):
    """The text gets longer than the sequences that the network was trained on, and its layers know no later positions.

    A text is continued with its last half as the prompt, each time the length is reached. A network with an encoder
    ends there.
    """

    code = "NS619"
    severity = "warning"
    title = {
        "ends": "the output ends after {window} steps, the longest that the network was trained on",
        "": "the text gets longer than {window} steps, on which the network was trained: it then sees the last {kept} "
        "to {window}",
    }
    window: int
    kept: int = 0
