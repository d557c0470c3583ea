"""The layers of Keras by family: each file fills `READERS` with functions by the class of the layer."""
