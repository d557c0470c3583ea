"""Caffe: a prototxt, which is the text of a protobuf message, and a caffemodel with the weights."""
