"""Every data source, one file per family; importing this module fills the vocabulary."""

from netspec.data import images, onboard, tables

__all__ = ["images", "onboard", "tables"]
