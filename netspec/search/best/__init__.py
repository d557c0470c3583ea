"""What follows the trials: the best spec as a file, its runs with several seeds, tables and a page."""
