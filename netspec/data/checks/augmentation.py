"""Whether augmentations fit the inputs, the targets and the loss of a network.

Input: a chain, and what is known of the network and the data before anything is loaded. Output: diagnostics.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.augmentations import Augmentation, Cutmix, Flip, Mixing, Noise, can_vary, is_image, moves_masks
from netspec.data.dataset.dataset import Facts
from netspec.data.errors.augmentation import CannotMix, MirrorsDigits, MovesTheAnswer, NotForInput, TooLarge
from netspec.language.diagnostics import Diagnostic
from netspec.language.shape import Shape, Size
from netspec.language.source import Span


def check_augment(
    chain: Sequence[Augmentation],
    inputs: Mapping[str, Shape],
    heads: Mapping[str, OutputHead],
    facts: Facts | None = None,
    *,
    target_is_input: bool = False,
    one_class_loss: str | None = None,
    span: Span | None = None,
    spans: Sequence[Span | None] = (),
) -> Iterator[Diagnostic]:
    """Mistakes of a chain for the inputs and outputs of a network.

    Args:
        chain: the words.
        inputs: those of the network, by name.
        heads: its ends, by name.
        facts: those of the data, if they are known.
        target_is_input: the network reconstructs its input.
        one_class_loss: the name of the loss, if it takes a single class only, not probabilities.
        span: that of the chain.
        spans: those of its words, if they are known.
    """
    for index, word in enumerate(chain):
        place = spans[index] if index < len(spans) else span
        varied = {name: shape for name, shape in inputs.items() if can_vary(word, shape)}
        if not varied:
            yield _not_for_input(word, inputs, place)
            continue
        if isinstance(word, Mixing):
            reason, advice = _mixing_problem(word, inputs, facts, one_class_loss)
            if reason:
                yield CannotMix(span=place, word=word.word, reason=reason, advice=advice)
                continue
        yield from _size_problem(word, varied.values(), place)
        if word.moves:
            masks = _masks(facts, varied) if moves_masks(word) else ()
            yield from _target_problem(word, heads, masks, target_is_input, place)
        if isinstance(word, Flip) and facts is not None and _shows_digits(facts, varied.values()):
            yield MirrorsDigits(span=place, word=word.to_source())


def _not_for_input(word: Augmentation, inputs: Mapping[str, Shape], span: Span | None) -> Diagnostic:
    name, shape = next(iter(inputs.items()))
    what = "the input is" if len(inputs) == 1 else f"no input is one: `{name}` is"
    needs = {"an image": "images", "an RGB image": "images of 3 channels", "numbers": "numbers"}[word.needs]
    if shape.is_tokens:
        advice = "remove it: token ids cannot be averaged"
    elif shape.rank == 2 and word.needs == "an image":
        advice = f"an image has its channels last: write `input {shape}x1`"
    elif is_image(shape):
        advice = "remove it, or use `brightness` or `contrast`"
    elif isinstance(word, Noise):
        advice = f"begin the network with the layer `noise({word.deviation:g})`"
    else:
        advice = "remove it; `mixup` works for all numeric inputs"
    return NotForInput(span=span, word=word.word, needs=needs, found=f"{what} {shape.kind} ({shape})", advice=advice)


def _mixing_problem(
    word: Mixing, inputs: Mapping[str, Shape], facts: Facts | None, one_class_loss: str | None
) -> tuple[str, str]:
    """Why two examples cannot be mixed, and what to do; empty when they can."""
    others = [name for name, shape in inputs.items() if not can_vary(word, shape)]
    if others:
        kind = "token ids" if inputs[others[0]].is_tokens else "not an image"
        return f"the input `{others[0]}` is {kind}, and two examples are mixed as a whole", "leave it out"
    if isinstance(word, Cutmix) and len(inputs) > 1:
        return "there are several inputs, and the areas differ", "use `mixup`"
    are_masks = facts is not None and any(target.mask for target in facts.targets.values())
    if are_masks and not isinstance(word, Cutmix):
        return "the targets are masks, and a pixel has one class", "use `cutmix`, which pastes the mask as well"
    if one_class_loss is not None and not are_masks:
        return f"the loss `{one_class_loss}` takes one class for each example", "leave the loss out, or this word"
    if isinstance(word, Cutmix) and facts is not None and any(t.kind == "numbers" for t in facts.targets.values()):
        return "the targets are numbers, and a number does not follow from areas", "use `mixup`"
    return "", ""


def _size_problem(word: Augmentation, images: Iterable[Shape], span: Span | None) -> Iterator[Diagnostic]:
    if word.pixels is None:
        return
    size = getattr(word, word.pixels)
    for shape in images:
        side = min((side for side in shape.space if isinstance(side, int)), default=size + 1)
        if size >= side:
            example = word.replace(**{word.pixels: max(1, side // 4)}).to_source()
            yield TooLarge(span=span, word=word.word, size=size, image=str(shape), limit=side, example=example)
            return


def _target_problem(
    word: Augmentation,
    heads: Mapping[str, OutputHead],
    masks: Collection[tuple[Size, ...]],
    target_is_input: bool,
    span: Span | None,
) -> Iterator[Diagnostic]:
    advice = "remove it; augmentations that keep pixels in place can be used: `noise`, `cutout`, `brightness`"
    if target_is_input:
        yield MovesTheAnswer(span=span, word=word.word, target="(the input itself)", advice=advice)
        return
    for name, head in heads.items():
        if len(head.shape) == 3 and head.shape[:-1] not in masks:
            target = f"of `{name}` (a label per position)"
            yield MovesTheAnswer(span=span, word=word.word, target=target, advice=advice)
            return


def _masks(facts: Facts | None, images: Mapping[str, Shape]) -> Collection[tuple[Size, ...]]:
    """The height and width of masks that are moved with the only image. Data that are not known yet may be masks."""
    if len(images) != 1:
        return ()
    (size,) = (shape.sizes[:-1] for shape in images.values())
    known = [target.mask for target in facts.targets.values()] if facts is not None else [size]
    return [size for mask in known if mask == size]


def _shows_digits(facts: Facts, images: Iterable[Shape]) -> bool:
    """Whether classes are named 0 to 9 and images are gray, as in MNIST; numbered folders may contain anything."""
    names = [set(target.names or ()) for target in facts.targets.values()]
    return names == [set("0123456789")] and all(shape.channels == 1 for shape in images)
