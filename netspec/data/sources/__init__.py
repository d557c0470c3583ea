"""Every data source, one file per family; importing this package fills the vocabulary."""

from netspec.data.sources import (
    bundled as bundled,
    cifar as cifar,
    huggingface as huggingface,
    idx_images as idx_images,
    image_folder as image_folder,
    numpy_files as numpy_files,
    synthetic as synthetic,
    tables as tables,
    text_file as text_file,
)
