"""Small nets that together use everything that emitted source may hold."""

from __future__ import annotations

NETS = {
    "mlp": "input 6\ndense(8, relu) -> dropout(0.5) -> dense(3, softmax)",
    "image": "input 8x8x3\nconv(4, 3x3, relu) -> maxpool(2) -> batchnorm -> dense(5, mish) -> dense(2, sigmoid)",
    "volume": "input 5x6x4x2\nconv(3, 2x3x2, silu, stride = 2) -> avgpool(2, pad = same) -> gap -> dense(2)",
    "sequence": "input 9x4\nconv(6, 3, pad = 1) -> layernorm -> avgpool(2, ceil = true) -> dense(3, prelu) -> flatten",
    "pools": (
        "input 9x7x3\n(maxpool(2, ceil = true) | avgpool(2, ceil = true, count_pad = true) | avgpool(3, stride = 2, "
        "pad = 1)) -> concat -> flatten -> dense(2)"
    ),
    "places": (
        "input 9x8x2\n(identity | separable(2, 3x3, pad = valid, multiplier = 2)) -> crop\n"
        "-> crop(margin = [[0, 1], [1, 0]]) -> maxpool(to = 4x3) -> upconv(3, 3, relu, pad = 1, output_pad = 1)\n"
        "-> pad(1, mode = edge) -> upsample(2) -> resize(7x9, bicubic) -> (identity | permute([2, 1, 3])) -> resize\n"
        "-> crop(5) -> gmp(keep = true) -> flatten"
    ),
    "unknown_size": "input (H, W, 2)\nmaxpool(3, stride = 2, ceil = true) -> conv(3, 3x3, step) -> gap -> dense(2)",
    "tokens": "input 7 tokens(20)\nembedding(5, frozen = true) -> embedding_to_vector\ndef embedding_to_vector = gap",
    "attention": (
        "input text: 7 tokens(20, pad = 0)\ninput memory: 5x6\nshare table = embedding(8)\n"
        "text -> table -> sinusoidal -> posembed -> rope -> mix(memory, 2) -> mix(memory, 4) -> heads\n"
        "def mix(other, n) = (attention(n, causal = true, dropout = 0.1) | other) -> attention(2, kv_heads = 1)\n"
        "def heads = (unembed(table) -> gap | class_token -> first) -> concat -> dense(2)"
    ),
    "recurrent": (
        "input 7 tokens(20, pad = 0)\ndef encoder(n) = bidirectional(lstm(n, dropout = 0.2)) -> dense(4)\n"
        "embedding(5) -> encoder(3) -> encoder(2) -> gru(4, mish, frozen = true) -> rnn(3, leaky_relu(0.2))\n"
        "-> (first | last | mean_pool) -> concat -> dense(2)"
    ),
    "constants": (
        "input 4x4x1\nconv(1, 3x3, weights = [[1, 0, -1], [2, 0, -2], [1, 0, -1]], bias = false, frozen = true)\n"
        "-> scale(0.5, -0.1) -> step -> dense(2, init = uniform(0.2), bias_init = constant(0.1))"
    ),
    "blocks": (
        "input 8x8x2\ndef block(filters, kernel = 3) = conv(filters, kernel, bias = false) -> batchnorm -> relu\n"
        "def stage(n) = residual(block(n) -> block(n, 1)) -> maxpool(2)\n"
        "block(4) -> stage(4) -> stage(8) -> gap -> dense(3, softmax)"
    ),
    "shared": (
        "input left: 6\ninput right: 6\nshare tower = dense(4, relu) -> dense(3)\n"
        "(left -> tower | right -> tower) -> concat -> dense(1, sigmoid)"
    ),
    "shared_inside": (
        "input 4\nshare dense_2 = dense(4)\ndef twice(l) { share l_2 = dense(4)\n l -> l_2 -> l -> l_2 }\n"
        "twice(dense_2) -> dense(4) -> dense_2 -> twice(dense_2)"
    ),
    "outputs": (
        "input image: 4x4x2\ninput facts: 3\nh = image -> conv(3) -> gap\nboth = (h | facts) -> concat\n"
        "output digit = both -> dense(4, softmax)\noutput logits = both -> dense(1, sigmoid)\n"
        "output place = both -> dense(2)"
    ),
    "ports": "input 6\ndef split = (dense(2, tanh) | dense(3) | identity)\nsplit -> concat -> split -> concat",
    "captured": (
        "input 5\nh = input -> dense(4, elu)\ndef inner = (identity | h) -> concat -> dense(4)\n"
        "def outer = inner -> (identity + inner)\nh -> outer -> outer -> dense(2, log_softmax)"
    ),
    "names": (
        "input class: 4\ndef train(nn) = dense(nn) -> dense(4)\ndef logits(rngs) = dense(rngs, softmax)\n"
        'self = class -> train(3) -> train(5)\nself -> dense(6, name = "eval") -> logits(3)'
    ),
    "deep": (
        "input 4\ndef f0 = dense(4)\n"
        + "\n".join(
            f"def f{i} = f{i - 1} -> f{i - 1}" if i < 4 else f"def f{i} = f{i - 1} -> relu" for i in range(1, 20)
        )
        + "\nf19"
    ),
    "merges": (
        "input 4x4x6\n(identity | gap -> dense(6, sigmoid) | conv(1, 1x1, sigmoid)) -> mul\n"
        "-> (identity | gap | relu) -> max -> (identity | conv(6)) -> average -> (identity | relu) -> max\n"
        "-> (identity | identity) -> concat(along = width)"
    ),
    "norms": (
        "input 4x4x6\nconv(8, dtype = bf16) -> groupnorm(2) -> instancenorm(offset = false) -> lrn(3, divide = true)\n"
        "-> noise(0.1) -> droppath(0.1) -> dropout(0.1, per = channel) -> l2norm -> rmsnorm(dtype = f16)\n"
        "-> gap -> dense(2)"
    ),
    "padded_norms": (
        "input 7 tokens(20, pad = 0)\nembedding(4) -> batchnorm -> groupnorm(2) -> instancenorm -> dense(2)"
    ),
    "many_factors": "input 3\n(" + " | ".join(["scale(1)"] * 150) + ") -> mul -> dense(2)",
    "many_terms": "input 3\n(" + " | ".join(["scale(2)"] * 150) + ") -> add -> dense(2, gelu)",
    "padded series": "input 6 steps(3, pad = true)\nlstm(4) -> mean_pool -> dense(2)",
}
