"""Every data source, one file per family; importing this package fills the vocabulary."""

from netspec.data.sources import (
    bundled as bundled,
    huggingface as huggingface,
    numpy_files as numpy_files,
    synthetic as synthetic,
)
from netspec.data.sources.images import (
    cifar as cifar,
    idx_images as idx_images,
    image_folder as image_folder,
    pairs as pairs,
)
from netspec.data.sources.masks import masks as masks
from netspec.data.sources.series import windows as windows
from netspec.data.sources.sounds import sounds as sounds
from netspec.data.sources.tables import words as words
from netspec.data.sources.texts import file as file, folder as folder
