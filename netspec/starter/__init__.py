"""A first spec for data: what `netspec new` and `netspec.new` write.

Input: a file or a folder, the column to predict, and a goal. Output: `Draft`, the text of a spec that is checked and
formatted, and what was seen in the data. The recipes are chosen by the kind of the data and by numbers of examples and
features alone. Nothing is trained, and JAX is not imported.
"""
