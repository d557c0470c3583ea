"""netspec beside the other ways to train a network; see README.md in this folder."""
