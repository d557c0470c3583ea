"""VGSL, the language of Tesseract and kraken for networks that read lines of text, such as `[1,48,0,1 Cr3,3,32 O1c10]`.

Input: the text, or a file with it. Output: a sketch; there are no weights.
"""
