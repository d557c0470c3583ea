"""NS480, NS481, NS487, NS488: what is wrong with the inputs for a prediction, or with other data for a run."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class CannotPredict(Diagnostic):
    """An input for `netspec predict` cannot be read, or is not of the shape that the network takes. Inputs are files
    (.csv with one example a row, .npy, images, text for networks that learned from text), folders of images, or rows
    such as `5.1,3.5,1.4,0.2`."""

    code = "NS480"
    title = "cannot predict for `{name}`: {reason}"
    name: str
    reason: str


class OtherScale(Diagnostic):
    """Inputs for `netspec predict` lie far outside of what the network has seen in training; mostly they are scaled
    otherwise, such as pixels from 0 to 255 for a network that learned from 0 to 1."""

    code = "NS481"
    severity = "warning"
    title = "`{name}` has numbers from {low} to {high}; the network learned from {seen_low} to {seen_high}"
    hint = "scale them as the training data were scaled"
    name: str
    low: str
    high: str
    seen_low: str
    seen_high: str


class Unseen(Diagnostic):
    """An input has a category, a word or a character that no training example had. The network takes it for unknown,
    which it has learnt nothing about."""

    code = "NS487"
    severity = "warning"
    title = "`{name}` has {what}, which training has not seen"
    name: str
    what: str


class OtherCoding(Diagnostic):
    """Data for the evaluation of a run have other classes, categories or words than those that it learned from: the
    units of the network would stand for other things than they do."""

    code = "NS488"
    title = "the {what} are not those of the run: {found}"
    hint = "the run has {expected}; evaluate it on data with the same"
    what: str
    found: str
    expected: str
