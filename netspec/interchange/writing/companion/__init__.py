"""Programs that predict with exported files, without netspec: what is not arithmetic is done by them.

Input: a model, and the format and name of its file. Output: the source of a program that needs NumPy, Pillow for
images, and what computes the network. Its functions are those of the files here (`source.py` joins what is used).
"""
