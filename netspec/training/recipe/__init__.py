"""The settings of `train { … }`, and the recipe that they make with a network and data."""
