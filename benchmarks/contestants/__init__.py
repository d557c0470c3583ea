"""One module for each family of contestants: the nets as its people write them, and its loop.

Each module has `build(workload, data, style) -> Program`; nothing but these modules imports the libraries.
"""
