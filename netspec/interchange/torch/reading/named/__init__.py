"""Files of weights alone: the network is recognized by the names and sizes of its weights."""
