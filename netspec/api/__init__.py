"""The functions of the library; `netspec` re-exports them."""
