"""Arrays in MXNet's own file format.

Reference: `NDArray::Save` and `NDArray::Load` in MXNet's `src/ndarray/ndarray.cc`.
"""

from __future__ import annotations

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.configs.input_files import InputFile
from netspec.language.lazy import np

MAGIC = 0x112
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
"""The numbers before an array in the versions of the format; anything else is the number of axes, in the first one."""
DTYPES = {0: "<f4", 1: "<f8", 2: "<f2", 3: "u1", 4: "<i4", 5: "i1", 6: "<i8", 7: "?"}
MAX_ARRAYS = 1_000_000
MAX_AXES = 32


class _Bytes:
    """The content of a file, from the front to the end."""

    def __init__(self, content: bytes, file: InputFile) -> None:
        self.content = memoryview(content)
        self.file = file
        self.position = 0

    def take(self, count: int) -> memoryview:
        """The next bytes.

        Raises:
            CompileError: there are fewer (NS570).
        """
        if count > len(self.content) - self.position:
            raise self.file.bad("it ends in the middle of an array", "copy it again: it is not complete")
        self.position += count
        return self.content[self.position - count : self.position]

    def integer(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little", signed=signed)


def read_arrays(content: bytes, file: InputFile) -> dict[str, Array]:
    """The arrays by their names, without `arg:` and `aux:`.

    Raises:
        CompileError: it is not such a file, or it is damaged (NS570).
    """
    if content[:2] == b"PK":
        advice = "save them with `mx.nd.save`, as MXNet 1 does, or load and save them with NumPy"
        raise file.bad("its arrays are in a zip file of NumPy, as MXNet 2 writes them", advice)
    data = _Bytes(content, file)
    if len(content) < 24 or data.integer(8) != MAGIC:
        raise file.bad("it is not a list of arrays of MXNet", "give the symbol first, and its `.params` second")
    data.take(8)
    count = data.integer(8)
    if count > MAX_ARRAYS:
        raise file.bad(f"it has more than {MAX_ARRAYS:,} arrays")
    arrays = [_array(data) for _ in range(count)]
    if data.integer(8) != count:
        raise file.bad("its arrays have no names", "save them with names, as `export` of a network does")
    names = []
    for _ in range(count):
        try:
            names.append(bytes(data.take(data.integer(8))).decode())
        except UnicodeDecodeError as error:
            raise file.bad("the name of an array is not text") from error
    plain = [name.partition(":")[2] if name.startswith(("arg:", "aux:")) else name for name in names]
    return {name: array for name, array in zip(plain, arrays, strict=True) if array is not None}


def _array(data: _Bytes) -> Array | None:
    """The next array; None for one that was never filled."""
    magic = data.integer(4)
    is_legacy = magic not in (V1, V2, V3)
    if magic in (V2, V3) and data.integer(4, signed=True) != 0:
        raise data.file.bad("an array in it is sparse", "make it dense with `tostype('default')` before saving")
    axes = magic if is_legacy else data.integer(4, signed=True)
    if axes > MAX_AXES:
        raise data.file.bad(f"an array in it has {axes:,} axes: it is damaged")
    if axes < 0 or (axes == 0 and magic != V3):
        return None
    sizes = [data.integer(4 if is_legacy else 8) for _ in range(axes)]
    data.take(8)  # the device
    kind = data.integer(4, signed=True)
    if kind not in DTYPES:
        raise data.file.bad(f"an array in it has the type {kind}, which is not known")
    dtype = np.dtype(DTYPES[kind])
    count = 1
    for size in sizes:
        count *= size
    values = np.frombuffer(data.take(count * dtype.itemsize), dtype)
    return values.reshape(sizes).astype(np.float32)
