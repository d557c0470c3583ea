"""NS514 to NS516, NS665 to NS669: data that are read while training runs, from files or from an iterable."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Diagnostic


class CannotStream(Diagnostic):
    """With `stream = true` examples are read during training, and only some of them are in memory. That needs files
    with random access: `npy`, uncompressed `idx`, `cifar10` in a folder, `images`.
    """

    code = "NS514"
    title = "the examples of `{source}` cannot be read one by one"
    label = "{reason}"
    source: str
    reason: str = "no random access to its examples"
    advice: str = "remove the line, or use `npy`, `idx` (uncompressed), `cifar10` (unpacked) or `images`"


class CannotReadOn(Diagnostic):
    """Data that are too large for memory are read during training. A file that existed at the start is gone, has become
    shorter, or cannot be read. The run keeps its last checkpoint: once the file is restored, `netspec train --resume`
    continues from there with the same numbers.
    """

    code = "NS515"
    title = "the data can no longer be read: {file}: {reason}"
    hint = "restore the file, then continue with `netspec train --resume RUN`"
    file: str
    reason: str


class Streamed(Diagnostic):
    """Data that are larger than a fraction of the memory, or with `stream = true`, are read during training; the
    results are the same as in memory, bit for bit. Not everything is checked beforehand: numbers are checked block by
    block, only some of the images in folders are opened, and duplicates between splits are not searched for.
    """

    severity: ClassVar[str] = "warning"
    code = "NS516"
    title = "{size} of examples are read during training; {checked}"
    size: str
    checked: str
    advice: str = "with enough memory, `stream = false` in the `data` section checks everything and is faster"


class NotBatches(Diagnostic):
    """`netspec.train` takes any iterable of batches: a PyTorch `DataLoader`, a Grain or Hugging Face data set, a list,
    or a function that returns a new iterator each time, such as a generator function. It is read once for each epoch,
    so that an iterator that can be read only once does not do. A batch is `(x, y)`, or a dict by the names of inputs
    and outputs.
    """

    code = "NS665"
    title = {
        "one-shot": "{what} can be read only once",
        "endless": "{what} is endless",
        "empty": "{what} gives no batch",
        "exhausted": "{what} gives no batch in epoch {epoch}",
        "parts": "{where} of {what} is {found}",
        "function": "{what} returns {found}",
        "examples": "{what} gives single examples, not batches",
    }
    hint = {
        "one-shot": "pass the function that makes it, without calling it: `netspec.train(model, batches)` instead of "
        "`netspec.train(model, batches())`; or an object with `__iter__`, such as a DataLoader",
        "endless": "an epoch ends when the iterable ends: leave out `repeat()`, or cut it: "
        "`lambda: itertools.islice(data, 100)`",
        "empty": "check its length, and whether it was read before",
        "exhausted": "a function has to make a new iterator at each call; one that returns the same one again is "
        "exhausted after the first time",
        "parts": "a batch is `(x, y)`, or a dict by the names of inputs and outputs; several inputs are a dict: "
        '`({{"left": a, "right": b}}, y)`',
        "function": "a function returns a new iterator at each call: write it with `yield`, or return a DataLoader",
        "examples": "the first axis of arrays is the batch: `DataLoader(dataset, batch_size=32)`, "
        "`dataset.batch(32)` of Grain",
    }
    what: str
    where: str = ""
    found: str = ""
    epoch: int = 0


class BatchUnlike(Diagnostic):
    """All batches have inputs and targets of the same names, shapes and kinds; only the number of examples may differ,
    as in the last batch. They are compared with the first batch, while the training runs. Class ids are from 0 to the
    number of units minus 1.
    """

    code = "NS666"
    title = "{where} does not fit: {what} {found}"
    hint = {
        "shape": "the first batch has examples of {expected}: pad or crop all to the same shape",
        "names": "the first batch has {expected}",
        "kind": "the first batch has {expected}: give all batches the same type",
        "label": "class ids are from 0 to {expected}: correct the labels, or the units of the last layer",
        "binary": "the first examples have only 0 and 1; numbers other than these need an output without `sigmoid`",
        "count": "inputs and targets of a batch have the same number of examples",
    }
    where: str
    what: str
    found: str
    expected: str = ""


class NeedsAllExamples(Diagnostic):
    """Of an iterable only one batch at a time is in memory, and nothing is known of those that follow. Settings that
    divide, count or choose among all examples cannot be used with it; splits are given as iterables of their own.
    """

    code = "NS667"
    title = {
        "": "`{option}` cannot be used with an iterable of batches",
        "schedule": "`{option}` needs the number of steps of an epoch, which this iterable does not tell",
        "processes": "an iterable of batches cannot be divided among {option} processes",
        "page": "`{option}` needs all examples, not an iterable of batches",
    }
    label = "needs all examples"
    hint = {
        "": "{advice}",
        "schedule": "give it a length: an object with `__iter__` and `__len__` (the number of batches), such as a "
        "DataLoader; or write the times in steps: `warmup(100 steps) -> constant`",
        "processes": "train in one process, on one or several devices; or pass arrays or files, of which each process "
        "reads its part",
        "page": "give arrays: `data=(x, y)`",
    }
    option: str
    advice: str = ""


class FromFirstExamples(Diagnostic):
    """Before the first step, some batches of an iterable are read, so that the shapes are known. Where inputs or
    targets are normalized, or the spec says `classes`, the statistics and the number of classes are those of the first
    10,000 examples: it is not known how many there are, and reading all of them may take long.
    """

    severity: ClassVar[str] = "warning"
    code = "NS668"
    title = "{what} are those of the first {examples} examples"
    hint = (
        "give the first batches in random order; or known numbers: `normalize = [mean, std]`, "
        "`normalize_targets = none`, `dense(10, softmax)`"
    )
    what: str
    examples: str


class OtherOrder(Diagnostic):
    """A run on an iterable is resumed at the beginning of an epoch, and reads the iterable anew. If the iterable gives
    the same batches in each epoch of each process, or a function is given the number of the epoch, the results are the
    same as without the interruption; otherwise they differ as those of two runs with another order of the examples.
    """

    severity: ClassVar[str] = "warning"
    code = "NS669"
    title = {
        "other": "the first batch is not the one that the run was started with",
        "varies": "the iterable gives other batches each time it is read",
    }
    label = "results may differ from those without the interruption"
    hint = (
        "for the same results pass a function of the epoch, from 0, that returns its batches: "
        "`lambda epoch: loader(seed=epoch)`"
    )
