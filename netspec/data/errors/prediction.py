"""NS480, NS481, NS487, NS488, NS568, NS634: inputs that cannot be predicted for, and other data for a run."""

from __future__ import annotations

from netspec.language.diagnostics import CompileError, Diagnostic


class CannotPredict(Diagnostic):
    """An input for `netspec predict` cannot be read, or has the wrong shape. Inputs are files (.csv with one example
    per row, .npy, images, text for networks trained on text), folders of images, or rows such as `5.1,3.5,1.4,0.2`.
    """

    code = "NS480"
    title = "cannot predict for {name}: {reason}"
    name: str
    """A text in backticks, or what is meant in words."""
    reason: str


class WrongInput(CompileError, ValueError):
    """An argument of `predict` in Python is wrong: a CompileError as on the command line, and a ValueError."""


def cannot_predict(name: str, reason: str, advice: str) -> WrongInput:
    """The error, to be raised."""
    return WrongInput([CannotPredict(name=name, reason=reason, advice=advice)])


class OtherScale(Diagnostic):
    """Inputs for `netspec predict` are far outside the range of the training data; usually they are scaled differently,
    such as pixels from 0 to 255 for a network trained on 0 to 1.
    """

    code = "NS481"
    severity = "warning"
    title = {
        "more": "`{name}` and {more} more examples have values from {low} to {high} or others that differ; the network "
        "was trained on {seen_low} to {seen_high}",
        "": "`{name}` has values from {low} to {high}; the network was trained on {seen_low} to {seen_high}",
    }
    hint = "scale them like the training data"
    name: str
    low: str
    high: str
    seen_low: str
    seen_high: str
    more: int = 0


class Unseen(Diagnostic):
    """An input has a category, a word or a character that did not occur in training. It is encoded as unknown, about
    which the network has learned nothing.
    """

    code = "NS487"
    severity = "warning"
    title = {
        "more": "`{name}` and {more} more have {what}, which did not occur in training",
        "": "`{name}` has {what}, which did not occur in training",
    }
    name: str
    what: str
    more: int = 0


class NoBeams(Diagnostic):
    """`beams` is how many beginnings of a text a beam search keeps, for networks that are trained with `ctc`."""

    code = "NS634"
    title = "there is nothing to search with beams: the network was not trained with `ctc`"
    hint = "leave out `beams`"


class Resized(Diagnostic):
    """An image has another size than those that the network takes, so it is resized; its proportions may change."""

    code = "NS568"
    severity = "warning"
    title = {
        "more": "{name} and {more} more are resized: {size} to {taken}",
        "": "{name}: {size} is resized to {taken}",
    }
    name: str
    size: str
    taken: str
    more: int = 0


class SourceNeeded(Diagnostic):
    """A run is evaluated on a file, but how to read it is not known: the run was trained on arrays, or its source needs
    more than one path.
    """

    code = "NS557"
    title = {
        "arrays": "how to read `{name}` is not known: the run was trained on arrays",
        "": "how to read `{name}` is not known",
    }
    hint = {
        "arrays": 'write the source in full, such as `csv("{name}", target = "…")`, or pass arrays in Python',
        "idx": 'write both files: `idx("images", "labels")`',
        "npy": 'write both files: `npy("x.npy", "y.npy")`',
        "": "write the source in full, as in the section `data`",
    }
    name: str


class UnknownLabel(Diagnostic):
    """Data to evaluate a run on have a class that the run was not trained on."""

    code = "NS558"
    title = "{name} has the class `{label_name}`, which the run does not know"
    name: str
    label_name: str


class TrainedOnThese(Diagnostic):
    """A run is evaluated on the file that it was trained on, or predicts it: metrics and predictions are better than
    those of new examples."""

    code = "NS564"
    severity = "warning"
    title = {
        "predict": "{name} has the examples that the network was trained on, {count} of {total}",
        "": "the run was trained on examples of {name}: on new ones the metrics may be worse",
    }
    hint = {
        "predict": "`netspec predict {run} --split test` predicts those that were held out",
        "": "give other data, or none for the test split",
    }
    name: str
    count: str = ""
    total: str = ""
    run: str = ""


class OtherPreprocessing(Diagnostic):
    """The evaluation data have other classes, categories or words than the training data, so the units of the network
    would have another meaning.
    """

    code = "NS488"
    title = "the {what} differ from those of the run: {found}"
    hint = "the run has {expected}; evaluate it on data with the same {what}"
    what: str
    found: str
    expected: str
