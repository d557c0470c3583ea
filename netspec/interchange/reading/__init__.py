"""What the formats that netspec reads share: the network that they become, and its text."""
