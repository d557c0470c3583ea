"""Pairs of images from folders of classes, for networks that tell whether two images are of the same class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, HoldOut, Source, Target, source
from netspec.data.dataset.lazy_rows import Array
from netspec.data.dataset.order import portion_count
from netspec.data.errors.sources import FewForPairs, PairsFolded, PairsRead
from netspec.data.sources.class_folders import Listing
from netspec.data.sources.images.image_folder import Images, Pictures
from netspec.data.sources.images.pair_drawing import divide, draw_pairs, possible_pairs
from netspec.data.transforms.encoders import Column, Encoder, ImageEncoder, RowEncoder
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, Count, Text
from netspec.language.lazy import np
from netspec.language.word import hidden, option

PER_IMAGE = 4
"""How many pairs there are for each image, unless `count` says it."""

SIDES = ("left", "right")
ANSWERS = ("different", "same")
PARTS = ("train", "val", "test")
TEST_DRAW = 3
"""Beside the numbers of `PARTS`: the pairs of a test folder are drawn with random numbers of their own."""


@source("pairs")
class Pairs(Images):
    """Pairs of images, `left` and `right`, and whether both are of the same class, from a folder for each class.

    Images are read as by `images`. Half of the pairs are of the same class. They are drawn at random, the same ones for
    the same `seed`.

    The images are divided before pairs are drawn: no image of a test or validation pair is in a pair that is trained
    on. With `split_by = classes` its class is not, either, as for recognizing characters or faces that are new to the
    network.

    Example: data { source = pairs("faces", size = 64x64) }
    Reference: Koch, Zemel and Salakhutdinov 2015, Siamese neural networks for one-shot image recognition.
    """

    aliases = ("SiameseDataset", "image_pairs")

    count: int | None = option(
        Count(2), f"how many pairs there are, those held out included (none: {PER_IMAGE} for each image)", default=None
    )
    split_by: str = option(
        Choice(("images", "classes")),
        "what is held out for the validation and the test: some `images` of each class, or all of some `classes`",
        default="images",
    )
    seed: int = option(Count(0), "the seed by which images are held out, and pairs drawn", default=0)
    test: str | None = option(
        Text("a folder (string)"), "a folder of pairs for the test, whose classes may be others", default=None
    )
    held_out: HoldOut | None = hidden(default=None)

    def under(self, hold_out: HoldOut) -> Source:
        return self.replace(held_out=hold_out)

    def as_of_run(self, encoder: Encoder | None) -> Source:
        return super().as_of_run(_one_side(encoder))

    def coded_as(self, encoder: Encoder | None) -> Source:
        return super().coded_as(_one_side(encoder))

    def facts(self, folder: Path) -> Facts:
        listing, test = self._listings(folder)
        self._parts(listing, has_test=test is not None)
        return self._pair_facts(listing, self.encoder_of(self.surveyed(listing, test)))

    def remarks(self, folder: Path) -> Sequence[Unplaced]:
        return [*super().remarks(folder), *self._read_remarks(*self._listings(folder))]

    def load(self, folder: Path) -> Dataset:
        listing, test = self._listings(folder)
        encoder = self.encoder_of(self.surveyed(listing, test))
        first = listing.name(listing.paths[0])
        pixels = [self.read_pictures(part, encoder, part.paths, first) for part in (listing, test) if part is not None]
        pairs = self._pairs(listing, test)
        parts = [_examples(p, x[p.left], x[p.right]) for p, x in zip(pairs, pixels, strict=True)]
        return self._pair_dataset([p for p in (listing, test) if p is not None], encoder, pairs, parts)

    def stream(self, folder: Path) -> Dataset | None:
        listing, test = self._listings(folder)
        survey = self.surveyed(listing, test)
        encoder = self.encoder_of(survey)
        bounds = (0.0, 1.0) if survey.is_scaled else None
        listings, pairs = [part for part in (listing, test) if part is not None], self._pairs(listing, test)
        parts = []
        for part, drawn in zip(listings, pairs, strict=True):
            files = part.paths
            sides = [[files[i] for i in side.tolist()] for side in (drawn.left, drawn.right)]
            parts.append(_examples(drawn, *(Pictures(s, encoder, bounds, is_fixed=self.size is None) for s in sides)))
        return self._pair_dataset(listings, encoder, pairs, parts)

    # ------------------------------------------------------------ which pairs there are

    def _counts(self, images: int, *, has_test: bool) -> dict[str, int]:
        """How many pairs each part has, as the split takes them from the end: the test last, the validation before."""
        total = PER_IMAGE * images if self.count is None else self.count
        hold_out = self.held_out or HoldOut(test=0)
        test = 0 if has_test else portion_count(hold_out.test_portion(total), total)
        val = portion_count(hold_out.val, total - test)
        return {"train": total - test - val, "val": val, "test": test}

    def _parts(self, listing: Listing, *, has_test: bool) -> tuple[dict[str, Array], dict[str, int]]:
        """The images of each part, and how many pairs of them there are.

        Raises:
            Unplaced: there are folds, or too few images or classes for pairs of the same and of different classes.
        """
        if self.held_out is not None and self.held_out.folds:
            raise Unplaced(PairsFolded)
        if not listing.classes:
            raise Unplaced(FewForPairs, option="folder", folder=str(listing.folder), case="folders", part="")
        labels = _labels(listing)
        counts = self._counts(len(labels), has_test=has_test)
        parts = divide(labels, [counts[part] for part in PARTS], self.seed, by_class=self.split_by == "classes")
        found = {part: indices for part, indices in zip(PARTS, parts, strict=True) if counts[part]}
        for part, indices in found.items():
            if counts[part] > 0 and 0 in possible_pairs(labels[indices]):
                few = partial(Unplaced, FewForPairs, option="folder", folder=str(listing.folder), part=part)
                raise few(classes=len(np.unique(labels[indices])), images=len(indices), case=self.split_by)
        return found, counts

    def _pairs(self, listing: Listing, test: Listing | None) -> list[DrawnPairs]:
        """The pairs of the folder, and those of the test folder."""
        parts, counts = self._parts(listing, has_test=test is not None)
        labels = _labels(listing)
        drawn = [
            DrawnPairs.of(labels, indices, counts[part], [self.seed, PARTS.index(part)])
            for part, indices in parts.items()
        ]
        found = [DrawnPairs.joined(drawn)]
        if test is not None:
            of_test = _labels(test)
            if 0 in possible_pairs(of_test):
                few = partial(Unplaced, FewForPairs, option="test", folder=str(test.folder), part="test")
                raise few(classes=len(test.classes), images=len(of_test), case="images")
            every = np.arange(len(of_test))
            found.append(DrawnPairs.of(of_test, every, PER_IMAGE * len(every), [self.seed, TEST_DRAW]))
        return found

    def _read_remarks(self, listing: Listing, test: Listing | None) -> list[Unplaced]:
        """Warnings about pairs that occur several times, and classes of which nothing is held out."""
        labels = _labels(listing)
        parts, counts = self._parts(listing, has_test=test is not None)
        found = []
        for part, indices in parts.items():
            same, different = possible_pairs(labels[indices])
            for answer, most, drawn in (
                ("the same class", same, counts[part] // 2),
                ("different classes", different, counts[part] - counts[part] // 2),
            ):
                if drawn > most:
                    found.append(Unplaced(PairsRead, option="count", part=part, answer=answer, most=most, drawn=drawn))
        if self.split_by == "images" and len(parts) > 1:
            few = [
                name
                for number, name in enumerate(listing.classes)
                if any(not (labels[indices] == number).any() for part, indices in parts.items() if part != "train")
            ]
            if few:
                kept = partial(Unplaced, PairsRead, option="folder", case="small", part=few[0], answer="")
                found.append(kept(most=len(few), drawn=len(listing.classes)))
        return found

    def _listings(self, folder: Path) -> tuple[Listing, Listing | None]:
        """The training and the test images; the test folder may have other classes."""
        return self._listing(folder), self._list(folder / self.test, "test") if self.test is not None else None

    # ------------------------------------------------------------ as data

    def _pair_facts(self, listing: Listing, encoder: ImageEncoder) -> Facts:
        total = sum(self._counts(len(listing.paths), has_test=self.test is not None).values())
        inputs = dict.fromkeys(SIDES, encoder.shape)
        return Facts(inputs, {"output": Target.of_classes(ANSWERS)}, total, self.test is not None)

    def _pair_dataset(
        self, listings: Sequence[Listing], encoder: ImageEncoder, pairs: Sequence[DrawnPairs], parts: Sequence[Arrays]
    ) -> Dataset:
        names = [drawn.names(listing.names) for listing, drawn in zip(listings, pairs, strict=True)]
        columns = tuple(Column(side, type="image") for side in SIDES)
        images: Mapping[str, ImageEncoder] = dict.fromkeys(SIDES, encoder)
        return Dataset(
            listings[0].folder.name,
            self._pair_facts(listings[0], encoder),
            parts[0],
            parts[1] if len(parts) > 1 else None,
            noun="pair",
            rows=names[0],
            test_name=listings[1].folder.name if len(parts) > 1 else None,
            test_rows=names[1] if len(parts) > 1 else None,
            encoder=RowEncoder(columns, images=images, header=(*SIDES, "same"), targets=("same",)),
            gap=0,
        )


def _one_side(encoder: Encoder | None) -> Encoder | None:
    """How the images of a run are read."""
    images = encoder.images if isinstance(encoder, RowEncoder) else {}
    return images.get(SIDES[0])


def _labels(listing: Listing) -> Array:
    labels = listing.labels
    return np.zeros(len(listing.paths), np.int32) if labels is None else labels


class DrawnPairs:
    """Which images are in each pair, and whether they are of the same class.

    Args:
        left: the index of the first image of each pair.
        right: that of the second one.
        same: 1 for pairs of the same class, 0 for others.
    """

    def __init__(self, left: Array, right: Array, same: Array) -> None:
        self.left, self.right, self.same = left, right, same

    @classmethod
    def of(cls, labels: Array, indices: Array, count: int, seed: Sequence[int]) -> DrawnPairs:
        """Pairs of the images with these indices."""
        left, right, same = draw_pairs(labels[indices], count, np.random.default_rng(seed))
        return cls(indices[left], indices[right], same)

    @classmethod
    def joined(cls, parts: Sequence[DrawnPairs]) -> DrawnPairs:
        """Those of several parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, key) for part in parts]) for key in ("left", "right", "same")))

    def names(self, images: Sequence[str]) -> list[str]:
        """What pairs are called, by the names of all images."""
        return [f"{images[i]}, {images[j]}" for i, j in zip(self.left.tolist(), self.right.tolist(), strict=True)]


def _examples(pairs: DrawnPairs, left: Array | Pictures, right: Array | Pictures) -> Arrays:
    return Arrays(dict(zip(SIDES, (left, right), strict=True)), {"output": pairs.same})
