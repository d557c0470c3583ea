"""Images as arrays, in programs that predict without netspec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netspec.language.lazy import lazy, np

Image = lazy("PIL.Image")
ImageOps = lazy("PIL.ImageOps")

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
BITS_PER_SAMPLE = 0x0102


def read_examples(arguments: list[str], metadata: dict[str, Any]) -> tuple[dict[str, Any], list[str], None]:
    """Images, folders of images, and .npy files as an array of shape (examples, height, width, channels)."""
    ((name, known),) = metadata["inputs"].items()
    encoder, parts, names = metadata.get("encoder"), [], []
    (*sizes, channels) = known["sizes"]
    white = brightest(metadata.get(f"range:{name}"))
    for argument in arguments:
        path = Path(argument)
        if path.suffix.lower() == ".npy":
            array = np.load(path, allow_pickle=False)
            array = array / 255 * white if array.dtype == np.uint8 else array
            array = array if array.ndim == 4 else array[None] if array.shape[-1] == channels else array[..., None]
            parts.append(array.astype(np.float32))
            names += [f"{argument} {i + 1}" for i in range(len(array))] if len(array) > 1 else [argument]
            continue
        files = sorted(f for f in path.rglob("*") if f.suffix.lower() in ENDINGS) if path.is_dir() else [path]
        for file in files:
            if encoder is not None:
                pixels, _ = pixels_of(file, encoder["height"], encoder["width"], encoder["channels"], encoder["fit"])
            else:
                height, width = sizes if all(isinstance(size, int) for size in sizes) else (None, None)
                pixels, is_scaled = pixels_of(file, height, width, channels, "stretch")
                pixels = pixels * np.float32(white) if is_scaled else pixels
            parts.append(pixels[None])
            names.append(str(file))
    if not parts:
        raise ValueError(f"there are no images in {', '.join(arguments)}")
    return {name: np.concatenate(parts)}, names, None


def brightest(numbers: tuple[float, float] | None) -> int:
    """The number of white in the training: 1, or 255 or 65535 where pixels were not scaled."""
    high = 1 if numbers is None else numbers[1]
    return 1 if high <= 2 else 255 if high <= 255 else 65535


def pixels_of(path: Path, height: int | None, width: int | None, channels: int, fit: str) -> tuple[Any, bool]:
    """The pixels of an image, upright, of shape (height, width, channels), and whether they are from 0 to 1; those of
    32 bits are as they are. Without a size, that of the image."""
    with Image.open(path) as opened:
        white = white_of(opened)
        opened.load()
        image = ImageOps.exif_transpose(opened)
    size = (width or image.width, height or image.height)
    if white == 255:
        image = fitted(converted(image, channels), size, fit)
        pixels = np.asarray(image, np.uint8).reshape(size[1], size[0], channels).astype(np.float32) / 255
        return pixels, True
    gray = np.asarray(image).astype(np.float32)
    gray /= white
    image = fitted(Image.fromarray(gray), size, fit)
    pixels = np.repeat(np.asarray(image, np.float32)[:, :, None], channels, axis=2)
    if channels == 4:
        pixels[..., 3] = 1
    return pixels, white != 1


def white_of(image: Any) -> float:
    """The largest number of the type of the pixels; 1 for floats and 32-bit integers."""
    if image.mode.startswith("I;16"):
        return 65535
    if image.mode == "I":
        if image.format in ("PNG", "PPM"):
            return 65535
        return 32767 if tuple(getattr(image, "tag_v2", {}).get(BITS_PER_SAMPLE, ())) == (16,) else 1
    return 1 if image.mode == "F" else 255


def converted(image: Any, channels: int) -> Any:
    """An image of 8 bits with 1, 3 or 4 channels."""
    image = image.convert({"LAB": "RGB", "La": "LA"}.get(image.mode, image.mode))
    return image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])


def fitted(image: Any, size: tuple[int, int], fit: str) -> Any:
    """An image of another size, as in the training."""
    if image.size == size:
        return image
    if fit == "stretch":
        return image.resize(size, Image.Resampling.BILINEAR)
    change = ImageOps.fit if fit == "crop" else ImageOps.pad
    return change(image, size, method=Image.Resampling.BILINEAR)
