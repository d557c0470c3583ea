"""Images: IDX and CIFAR files, and folders with one subfolder per class."""
