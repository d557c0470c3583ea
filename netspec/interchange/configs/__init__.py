"""Formats that describe a network in a text of their own: Caffe, Darknet, MXNet, VGSL, Ludwig."""
