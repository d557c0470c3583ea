"""Texts that several tests start from."""

PROGRAM = """\
netspec 1  # language edition; optional

param width = 32  # -D width=64 on the command line; tunable

input 28x28x1  # height x width x channels; never the batch

def block(filters, rate = 0.25)  # a definition: fresh weights at every use
    = conv(filters, 3x3, relu) * 2 -> maxpool(2) -> dropout(rate)

block(width) -> block(2 * width)
-> dense(256, relu) -> dropout(0.5)
-> dense(classes, softmax)  # classes: taken from the data

data {
    source  = mnist
    val     = 10%
    augment = rotate(10) -> zoom(0.1) -> shift(10%)
}

train {
    epochs    = 12
    batch     = 128
    optimizer = clip(1.0) -> adamw(1e-3, decay = 1e-4)
    schedule  = warmup(1 epochs) -> cosine
    stop      = early(val_loss, patience = 3)
}

expect {  # checked by `netspec check` (static) and after training (measured)
    params < 1M
    test_accuracy >= 99%
}
"""
"""The program of the language guide, in canonical style."""

EVERYTHING = """\
use std.resnet (basic_block, bottleneck)
use "blocks.net"
input image: (H, W, 3)
input text: 128 tokens(30522)
n = 4 * (2 + width) // 3 - -1
stem = conv(64, 7x7, stride = 2, bias = not true) -> batchnorm -> relu
def empty = identity
def level(c, inner) {
    h = conv(c, 3x3) -> relu  # first
    # second
    share s = conv(c) * 2

    identity + (h -> inner -> s) -> relu if c >= 3 and n != 2 or c < 1 else identity
}
def squeeze(ratio = 16)
    = (identity | gap -> dense(input.channels // ratio, relu) -> dense(input.channels, sigmoid)) -> mul
edges = conv(1, weights = [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], size = (H, 2 * W), one = (a,), none = [])
image -> stem -> level(64, level(128, identity)) -> gap  # the body
-> concat
output digit = h -> dense(10, softmax)
train {
    epochs = 5 epochs
    model { a = 10% }
}
"""
"""Every rule of the grammar at least once, together with `PROGRAM`."""
