"""Every data source, one file per family; importing this module fills the vocabulary."""

from netspec.data import arrayfiles, cifar, folders, hub, images, onboard, parquetfile, tables, texts, toys

__all__ = [
    "arrayfiles",
    "cifar",
    "folders",
    "hub",
    "images",
    "onboard",
    "parquetfile",
    "tables",
    "texts",
    "toys",
]
