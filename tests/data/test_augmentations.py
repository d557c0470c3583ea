"""The words of `augment`: how they are written, and what is said about those that do not fit."""

from __future__ import annotations

import pytest

from netspec.data import augmentations as augment
from netspec.data.augmentations import Augmentation, Cutout, Flip, Mixup, Noise, Rotate, Shift
from netspec.data.dataset.dataset import Facts, Target
from netspec.data.settings import DataSettings
from netspec.language.diagnostics import KINDS, CompileError, render
from netspec.language.reference.entries import programs
from netspec.language.shape import Shape
from netspec.language.source import Source
from netspec.language.vocabulary import signature, words
from netspec.spec.compilation import Compilation

CNN = "conv(4) -> gap -> dense(10, softmax)"


def compilation(chain: str, *, input: str = "28x28x1", net: str = CNN, data: str = "", train: str = "") -> Compilation:
    inputs = input if "\n" in input else f"input {input}"
    text = f"{inputs}\n{net}\ndata {{\n    {data}\n    augment = {chain}\n}}\ntrain {{\n    {train}\n}}\n"
    return Compilation(Source("net.net", text))


def problems(chain: str, **parts: str) -> list[tuple[str, str]]:
    """The codes of what is wrong, and the texts that they point at."""
    found = compilation(chain, **parts).diagnose()
    return [(d.code, d.span.text if d.span else "") for d in found]


# ---------------------------------------------------------------- how they are written


def test_nothing_is_varied_unless_asked_for() -> None:
    assert DataSettings().augment is None
    assert not DataSettings(augment=()).augment


def test_a_chain_keeps_its_order() -> None:
    spec = compilation("rotate -> shift(20%) -> cutout(8) -> mixup", data="source = mnist")
    assert spec.data.augment == (Rotate(degrees=10.0), Shift(amount=0.2), Cutout(size=8), Mixup(alpha=0.2))
    assert [*spec.diagnose()] == []


@pytest.mark.parametrize("text", ["[rotate, noise]", "rotate -> noise"])
def test_a_list_is_a_chain_too(text: str) -> None:
    assert compilation(text).data.augment == (Rotate(), Noise())


def test_one_word_is_a_chain() -> None:
    assert compilation("flip(vertical)").data.augment == (Flip(axis="vertical"),)


def test_a_run_may_switch_it_off() -> None:
    spec = compilation("rotate -> noise")
    off = Compilation(spec.source, overrides={"data.augment": "none"})
    other = Compilation(spec.source, overrides={"data.augment": "noise(0.2)"})
    assert off.data.augment is None and [*off.diagnose()] == []
    assert other.data.augment == (Noise(deviation=0.2),)


def test_a_chain_is_written_as_it_is_typed() -> None:
    (option,) = (o for o in DataSettings.options() if o.name == "augment")
    chain = compilation("rotate(5) -> crop(pad = 2) -> mixup").data.augment
    assert option.kind.to_source(chain) == "rotate(5) -> crop(pad = 2) -> mixup"
    assert option.kind.to_source(None) == "none"


@pytest.mark.parametrize("word", words("augmentation").values(), ids=lambda w: w.word)
def test_every_word_reads_what_it_spells(word: type[Augmentation]) -> None:
    needed = {o.name: 3 for o in word.options() if o.is_required}
    made = word(**needed)
    for text in (made.to_source(), made.to_source(full=True)):
        assert compilation(text).data.augment == (made,)


@pytest.mark.parametrize("word", words("augmentation").values(), ids=lambda w: w.word)
def test_at_most_three_arguments_go_by_place(word: type[Augmentation]) -> None:
    assert sum(o.position is not None for o in word.options()) <= 3
    assert word.aliases or word.word in ("crop",)


def test_signatures() -> None:
    assert signature(augment.Rotate) == "rotate(degrees = 10, fill = black)"
    assert signature(augment.Flip) == "flip(axis = horizontal, chance = 0.5)"
    assert signature(augment.Crop) == "crop(pad = 4, fill = black)"
    assert signature(augment.Cutmix) == "cutmix(alpha = 1, chance = 1)"


@pytest.mark.parametrize(
    ("chain", "code", "hint"),
    [
        ("RandomRotation(10)", "NS201", "did you mean `rotate`?"),
        ("rotat(10)", "NS201", "did you mean `rotate`?"),
        ("dense(3)", "NS201", "`dense` is a layer"),
        ("rotate(200)", "NS206", "must be a number in [0, 180], not the number 200"),
        ("rotate(-5)", "NS206", "`degrees` of `rotate` must be a number in [0, 180]"),
        ("zoom(1)", "NS206", "`amount` of `zoom` must be a number in [0, 1)"),
        ("shift(3)", "NS206", "`amount` of `shift` must be a number in [0, 1)"),
        ("hue(0.6)", "NS206", "a number in [0, 0.5]"),
        ("crop(pad = 0)", "NS206", "`pad` of `crop` must be a positive integer"),
        ("crop(padding = 4)", "NS202", "`pad`"),
        ("cutout", "NS203", "`cutout(size)`"),
        ("cutout(2.5)", "NS206", "a positive integer"),
        ("flip(sideways)", "NS201", "`horizontal`, `vertical`, `both`"),
        ("rotate(fill_mode = edge)", "NS202", "`fill`"),
        ("rotate(fill = zeros)", "NS201", "`black`, `edge`, `mirror`"),
        ("mixup(0)", "NS206", "a positive number"),
        ("noise(-0.1)", "NS206", "a non-negative number"),
        ("erase(largest = 2)", "NS206", "a number in [0, 1]"),
    ],
)
def test_mistakes_of_writing(chain: str, code: str, hint: str) -> None:
    found = [*compilation(chain).diagnose()]
    assert [d.code for d in found] == [code]
    assert hint in render(found[0])


# ---------------------------------------------------------------- what does not fit

IMAGE_WORDS = [name for name, word in words("augmentation").items() if word.needs == "an image"]
COLOR_WORDS = [name for name, word in words("augmentation").items() if word.needs == "an RGB image"]


def call(name: str) -> str:
    return f"{name}(3)" if name == "cutout" else name


@pytest.mark.parametrize("name", IMAGE_WORDS + COLOR_WORDS)
@pytest.mark.parametrize(
    ("input", "net"),
    [
        ("12", "dense(3, softmax)"),
        ("28x28", "gap -> dense(3, softmax)"),
        ("20 tokens(9)", "embedding(4) -> gap -> dense(3, softmax)"),
        ("4x5x6x1", "gap -> dense(3, softmax)"),
    ],
)
def test_images_are_wanted(name: str, input: str, net: str) -> None:
    assert problems(call(name), input=input, net=net) == [("NS417", call(name))]


@pytest.mark.parametrize("name", COLOR_WORDS)
def test_colours_are_wanted(name: str) -> None:
    assert problems(name) == [("NS417", name)]
    assert problems(name, input="28x28x3") == []


def test_mixup_takes_vectors_and_no_tokens() -> None:
    assert problems("mixup", input="12", net="dense(3, softmax)") == []
    assert problems("mixup", input="20 tokens(9)", net="embedding(4) -> gap -> dense(3, softmax)")[0][0] == "NS417"


@pytest.mark.parametrize(
    ("input", "hint"),
    [
        ("28x28", "`input 28x28x1`"),
        ("12", "begin the network with the layer `noise(0.3)`"),
        ("20 tokens(9)", "token ids cannot be averaged"),
    ],
)
def test_what_to_do_instead(input: str, hint: str) -> None:
    net = "embedding(4) -> gap -> dense(3)" if "tokens" in input else "dense(3)"
    (found,) = compilation("noise(0.3)", input=input, net=net).diagnose()
    assert hint in found.hint_text


@pytest.mark.parametrize(
    ("chain", "is_wrong", "hint"),
    [
        ("crop(pad = 8)", True, "`crop(pad = 2)`"),
        ("crop(pad = 7)", False, ""),
        ("cutout(8)", True, "`cutout(2)`"),
        ("cutout(7)", False, ""),
        ("crop(pad = 30, fill = edge)", True, "`crop(pad = 2, fill = edge)`"),
    ],
)
def test_what_is_larger_than_the_image(chain: str, is_wrong: bool, hint: str) -> None:
    found = [*compilation(chain, input="12x8x1").diagnose()]
    assert [d.code for d in found] == (["NS418"] if is_wrong else [])
    assert all(hint in d.hint_text for d in found)


MOVING = [name for name, word in words("augmentation").items() if word.moves]


@pytest.mark.parametrize("name", words("augmentation"))
def test_only_masks_move_with_their_image(name: str) -> None:
    """Without data, the targets of a network with a prediction for each pixel may be masks."""
    net = "conv(4, 3x3, relu) -> conv(2, 3x3, softmax)"
    assert problems(call(name), input="16x16x3", net=net) == []
    spec = compilation(call(name), input="16x16x3", net="conv(4, 3x3, relu) -> conv(2, 3x3)")
    facts = Facts({"input": Shape((16, 16, 3))}, {"output": Target("numbers", 512)})
    found = [d.code for d in Compilation(spec.source, facts=facts).diagnose()]
    assert found == (["NS489"] if name == "cutmix" else ["NS419"] if name in MOVING else [])


def test_an_input_that_is_the_target_does_not_move() -> None:
    net = "flatten -> dense(9, relu) -> dense(64, sigmoid)"
    parts = {"input": "8x8x1", "net": net, "data": "source = digits\n    target = input"}
    assert problems("noise -> rotate -> mixup", **parts) == [("NS419", "rotate")]


def test_numbers_are_not_mixed_by_areas() -> None:
    import numpy as np

    from netspec.data.dataset.from_arrays import from_arrays

    facts = from_arrays(np.zeros((9, 8, 8, 1), np.float32), np.linspace(0, 1, 9)).facts
    source = compilation("mixup -> cutmix", input="8x8x1", net="gap -> dense(1)").source
    assert [d.code for d in Compilation(source, facts=facts).diagnose()] == ["NS489"]


def test_two_images_are_not_mixed_by_areas() -> None:
    inputs, net = "input left: 8x8x1\ninput right: 8x8x1", "(left | right) -> concat -> gap -> dense(3, softmax)"
    assert problems("mixup -> cutmix", input=inputs, net=net) == [("NS489", "cutmix")]


def test_an_image_and_tokens_are_not_mixed() -> None:
    inputs = "input image: 8x8x1\ninput words: 5 tokens(9)"
    net = "((image -> gap) | (words -> embedding(4) -> gap)) -> concat -> dense(3, softmax)"
    assert problems("rotate -> mixup", input=inputs, net=net) == [("NS489", "mixup")]


def test_one_image_among_inputs_is_enough() -> None:
    inputs = "input image: 8x8x1\ninput extra: 5"
    net = "((image -> gap) | extra) -> concat -> dense(3, softmax)"
    assert problems("rotate -> noise -> mixup", input=inputs, net=net) == []


def test_losses_that_take_one_class_only() -> None:
    from netspec.language.vocabulary import temporary_words
    from netspec.training.losses import loss
    from netspec.training.losses.classification import CrossEntropy

    with temporary_words():

        @loss("one_class")
        class OneClass(CrossEntropy):
            """A loss for one class."""

            takes_soft_targets = False

        found = [*compilation("mixup", data="source = mnist", train="loss = one_class").diagnose()]
    assert [d.code for d in found] == ["NS489"] and "`one_class`" in found[0].message


@pytest.mark.parametrize(
    ("source", "input", "is_warned"),
    [("mnist", "28x28x1", True), ("digits", "8x8x1", True), ("fashion_mnist", "28x28x1", False)],
)
def test_mirrored_digits(source: str, input: str, is_warned: bool) -> None:
    found = [*compilation("flip(horizontal)", input=input, data=f"source = {source}").diagnose()]
    assert [(d.code, d.is_error) for d in found] == ([("NS468", False)] if is_warned else [])


def test_a_mistake_stands_at_its_word() -> None:
    with pytest.raises(CompileError) as wrong:
        compilation("noise -> cutout(40) -> crop(pad = 50)").check()
    assert [d.span.text for d in wrong.value.diagnostics if d.span] == ["cutout(40)", "crop(pad = 50)"]


@pytest.mark.parametrize("word", words("augmentation").values(), ids=lambda w: w.word)
def test_what_counts_pixels_is_an_option(word: type[Augmentation]) -> None:
    assert word.pixels is None or word.pixels in {o.field for o in word.options()}


@pytest.mark.parametrize("code", ["NS417", "NS418", "NS419", "NS468", "NS489"])
def test_the_programs_of_the_pages(code: str) -> None:
    page = programs(KINDS[code])
    wrong, right = ([d.code for d in Compilation(Source("page", page[part])).diagnose()] for part in ("wrong", "right"))
    assert wrong == [code] and right == []
