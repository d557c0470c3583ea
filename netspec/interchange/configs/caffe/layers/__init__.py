"""What each type of layer of Caffe is in netspec; `READERS` in `table.py` has them once these files are imported."""

from netspec.interchange.configs.caffe.layers import elementwise, ends, merges, norm, shapes, spatial

__all__ = ["elementwise", "ends", "merges", "norm", "shapes", "spatial"]
