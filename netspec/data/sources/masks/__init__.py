"""Images with masks, a class for each pixel: in a second folder, in a table, or as polygons in a COCO file.

Input: folders and files. Output: a `Dataset` whose targets are class ids of the height and width of the images.
"""
