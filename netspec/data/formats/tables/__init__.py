"""The files of tables: their layout, their cells, and what is wrong with a cell."""
