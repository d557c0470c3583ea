"""Which examples are for training, validation and test, and how much each class counts."""
