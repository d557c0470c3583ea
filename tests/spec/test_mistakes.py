"""Mistakes of people who come from Keras, PyTorch and pandas: what the first hint says to write checks, or
leads to the next true problem."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import netspec
from netspec.language.diagnostics import Diagnostic
from netspec.language.source import Source
from netspec.spec.compilation import Compilation

CONTEXTS = {
    "net": "input 28x28x1\n\n{}\n",
    "mlp": "input 13\n\n{}\n",
    "seq": "input 50x8\n\n{}\n",
    "tok": "input 100 tokens(5000)\n\n{}\n",
    "file": "{}\n",
    "iris": "{}\n\ndata {{ source = iris }}\n",
    "source": "dense(16, relu) -> dense(classes, softmax)\n\ndata {{\n    {}\n}}\n\ntrain {{ epochs = 3 }}\n",
    "data": "dense(16, relu) -> dense(classes, softmax)\n\ndata {{\n    source = iris\n    {}\n}}\n\n"
    "train {{ batch = 8 }}\n",
    "train": "dense(16, relu) -> dense(classes, softmax)\n\ndata {{\n    source = iris\n    val    = 10%\n}}\n\n"
    "train {{\n    {}\n}}\n",
    "ratings": "input user: 1 tokens(61)\ninput item: 1 tokens(90)\n\nu = user -> embedding(8)\n"
    "i = item -> embedding(8)\n(u | i) -> concat -> flatten -> dense(1)\n\ndata {{ source = {} }}\n",
    "numbers": "dense(16, relu) -> dense(1)\n\ndata {{ source = diabetes }}\n\ntrain {{\n    {}\n}}\n",
}

REGRESSION = "dense(1)\n\ndata {\n    source = diabetes\n    val = 10%\n}"

TWO_OUTPUTS = "input 4\n\noutput a = input -> dense(1)\noutput b = input -> dense(1, sigmoid)\n\ntrain {{\n    {}\n}}"

MISTAKES = [
    # data: a table by its name, its columns, its parts
    ("source", "source = pets.csv", 'source = csv("pets.csv", target = "…")', "NS408"),
    ("source", 'source = "pets.csv"', 'source = csv("pets.csv", target = "…")', "NS408"),
    ("source", 'source = pd.read_csv("pets.csv")', 'source = csv("pets.csv", target = "…")', "NS408"),
    ("source", 'source = read_csv("pets.csv", target = "species")', 'source = csv("pets.csv", target = "species")', ""),
    ("source", 'source = csv("pets.csv", label = "species")', "`target`", ""),
    ("source", 'source = csv("pets.csv", y = species)', 'write `target = "species"`', ""),
    ("source", 'source = csv(pets.csv, target = "species")', 'write `"pets.csv"`', ""),
    ("source", 'source = csv("pets.csv", target = species)', 'write `"species"`', ""),
    ("source", 'source = csv("pets.csv", target = 3)', 'write `target = "3"`', "NS408"),
    ("source", 'source = csv("pets.csv", target = "species", header = 0)', "write `header = first`", ""),
    ("source", 'source = csv("pets.csv", target = "species", task = "classification")', "`task = classes`", ""),
    ("source", "dataset = iris", "write `source = iris`", ""),
    ("source", 'path = "pets.csv"', 'write `source = csv("pets.csv", target = "…")`', "NS408"),
    ("source", "source = load_iris()", "write `source = iris`", ""),
    ("source", "source = sklearn.datasets.iris", "write `source = iris`", ""),
    ("source", 'source = load_dataset("ylecun/mnist")', 'write `source = huggingface("ylecun/mnist")`', None),
    ("source", 'source = ImageFolder("fruit")', 'write `source = images("fruit")`', "NS401"),
    ("source", 'source = images("a", target_size = (64, 48))', "write `size = 64x48`", "NS401"),
    ("source", 'source = images("a", size = [64, 48])', "write `size = 64x48`", "NS401"),
    ("source", 'source = images("a", image_size = (64, 48, 3))', "write `size = 64x48`", "NS401"),
    ("source", 'source = images("a", color_mode = "grayscale")', "write `channels = 1`", "NS401"),
    ("source", 'source = images("a", color_mode = "rgb")', "write `channels = 3`", "NS401"),
    ("source", 'source = images("a", rescale = 1/255)', "remove it: images are scaled to 0..1", None),
    ("source", 'source = images("a", class_mode = "categorical")', "remove it: the classes are the folders", None),
    ("source", 'source = images("a", label_mode = "int")', "remove it: the classes are the folders", None),
    ("source", 'source = images("a", interpolation = "nearest")', "remove it: images are resized bilinearly", None),
    ("source", 'source = images("a", batch_size = 32)', "write `batch = 32` on its own line in `train`", None),
    ("source", 'source = csv("pets.csv", "species", index_col = "height")', 'write `drop = "height"`', ""),
    ("source", 'source = csv("pets.csv", index_col = 0)', "remove it: a first column without a name", None),
    ("source", "source = 'iris'", "write `iris`", None),
    ("source", "source = csv('pets.csv', target = \"species\")", 'write `"pets.csv"`', None),
    ("source", "source = csv(\"pets.csv\", target = 'max')", 'write `"max"`', None),
    ("data", "split = [0.8, 0.2]", "write `test = 0.2`", ""),
    ("data", "train_split = 0.8", "write `test = 0.2`", ""),
    ("data", "test_size = 0.2", "`test`", ""),
    ("data", "validation_split = 0.2", "`val`", ""),
    ("data", 'val = "20%"', "write `val = 20%`", ""),
    ("data", "val = 120%", "write a fraction such as 20%", None),
    ("data", "normalize = true", "write `normalize = standard`", ""),
    ("data", "normalize = minmax", "`unit`", ""),
    ("data", "rescale = 1/255", "write `normalize = unit`", ""),
    ("data", 'shuffle = "true"', "write `shuffle = true`", ""),
    ("data", "shuffle = True", "write `true`", ""),
    ("data", "random_state = 42", "`seed`", ""),
    # training: settings, optimizers, losses, metrics, schedules
    ("train", 'metrics = ["accuracy"]', "write `metrics = accuracy`", ""),
    ("train", 'metrics = ["accuracy", "f1"]', "write `metrics = accuracy -> f1`", ""),
    ("train", 'metrics = [accuracy, "f1"]', "write `metrics = accuracy -> f1`", ""),
    ("train", "metrics = accuracy, f1", "write `->` instead of this comma", None),
    ("train", "metrics = acc", "`accuracy`", ""),
    ("train", "metrics = top_2", "write `top(2)`", ""),
    ("train", "epochs = 3 epochs", "write `epochs = 3`", ""),
    ("train", 'epochs = "3"', "remove the quotes: 3", ""),
    ("train", "epochs = 3,", "remove this comma", None),
    ("train", "epochs: 3", "write `=` instead of `:`", None),
    ("train", "epochs 3", "`epochs = 3`", None),
    ("train", "num_epochs = 3", "`epochs`", ""),
    ("train", "batch = 32 examples", "write the number alone: `32`", None),
    ("train", "batch_size = 32", "`batch`", ""),
    ("train", "learning_rate = 0.001", "write `optimizer = adam(0.001)`", ""),
    ("train", 'lr = "0.001"', "write `optimizer = adam(0.001)`", ""),
    ("train", "lr = 0.1\n    optimizer = adam(0.001)", "write `optimizer = adam(0.1)` (line 10), and remove", None),
    ("train", "lr = 0.1\n    optimizer = adam(rate = 0.2)", "write `optimizer = adam(rate = 0.1)` (line 10)", None),
    ("train", 'lr = 0.1\n    optimizer = "adam"', "write `optimizer = adam(0.1)` (line 10)", None),
    ("train", "rate = 0.1\n    optimizer = clip(1.0) -> sgd(1e-3, 0.9)", "= clip(1.0) -> sgd(0.1, 0.9)` (", None),
    ("train", "lr = 0.1\n    momentum = 0.9", "`optimizer = sgd(momentum = 0.9, rate = 0.1)`", None),
    ("train", "momentum = 0.9\n    optimizer = adam(1e-3)", "`optimizer = sgd(momentum = 0.9)` (line 10)", None),
    ("train", "patience = 3", "write `stop = early(patience = 3)`", ""),
    ("train", "patience = 3\n    schedule = cosine", "write `stop = early(patience = 3)`", ""),
    ("train", 'optimizer = "adam"', "remove the quotes: adam", ""),
    ("train", "optimizer = Adam(lr = 0.001)", "write `adam(0.001)`", ""),
    ("train", "optimizer = adam(learning_rate = 0.001)", "`rate`", ""),
    ("train", 'optimizer = adam(lr = "0.001")', "write `rate = 0.001`", ""),
    ("train", "optimizer = Adam(model.parameters(), lr = 0.001)", "write `adam(0.001)`", ""),
    ("train", "optimizer = torch.optim.Adam(lr = 0.001)", "write `adam(0.001)`", ""),
    ("train", "optimizer = adam(betas = (0.9, 0.99))", "write `b1 = 0.9, b2 = 0.99`", ""),
    ("train", "optimizer = adam(1e-3) -> cosine", "write `schedule = cosine`", None),
    ("train", "optimizer = sgd(0.01, weight_decay = 1e-4)", "`weight_decay(1e-4) -> sgd(0.01)`", None),
    ("train", "optimizer = SGD(lr = 0.1, momentum = 0.9, weight_decay = 5e-4)", "(5e-4) -> sgd(0.1, 0.9)`", ""),
    ("train", "optimizer = Adam(lr = 1e-3, weight_decay = 1e-4)", "write `weight_decay(1e-4) -> adam(1e-3)`", ""),
    ("train", "optimizer = AdamW(lr = 1e-3, weight_decay = 1e-4)", "write `adamw(1e-3, 1e-4)`", ""),
    ("train", "optimizer = SGD(0.01, 0.9, nesterov = True)", "write `sgd(0.01, 0.9, nesterov = true)`", ""),
    ("train", "optimizer = SGD(lr = 0.1, dampening = 0, weight_decay = 0)", "write `sgd(0.1)`", ""),
    ("train", "optimizer = RMSprop(rho = 0.9, clipnorm = 1.0)", "write `clip(1.0) -> rmsprop(decay = 0.9)`", ""),
    ("train", "optimizer = Adam(lr = 0.1, amsgrad = True)", "write `amsgrad(0.1)`", ""),
    ("train", "optimizer = adam(clipnorm = 1.0)", "`clip(1.0) -> adam`", None),
    ("train", "gradient_clipping = 1.0", "write `optimizer = clip(1.0) -> adam`", ""),
    ("train", 'loss = "categorical_crossentropy"', "did you mean `cross_entropy`, without quotes?", ""),
    ("train", "loss = CrossEntropyLoss()", "`cross_entropy`", ""),
    ("train", "loss = nn.CrossEntropyLoss()", "write `cross_entropy`", ""),
    ("train", "loss = categorical_crossentropy(from_logits = true)", "write `cross_entropy`", ""),
    ("train", "loss = nll", "`cross_entropy`", ""),
    ("train", "loss = cross_entropy(weight = [1, 2, 3])", "write `class_weights = [1, 2, 3]` there", None),
    ("numbers", "loss = binary_crossentropy", "write `mse`: `binary_cross_entropy` does not fit", ""),
    ("numbers", 'loss = "sparse_categorical_crossentropy"', "write `mse`: `cross_entropy` does not fit", ""),
    ("train", "loss = nn.BCELoss()", "write `cross_entropy`: `binary_cross_entropy` does not fit", ""),
    ("numbers", "metrics = accuracy", "write `metrics = mse -> rmse -> mae -> r2`", ""),
    ("numbers", "metrics = accuracy -> mae", "write `metrics = mae`", ""),
    ("numbers", "loss = nn.MSELoss()", "write `mse`", ""),
    ("numbers", "loss = l1", "`mae`", ""),
    ("numbers", "loss = mse_loss", "`mse`", ""),
    ("train", "validation_split = 0.2", "it is given (line 5): change it there", None),
    ("train", "shuffle = true", "move `shuffle = true` into its braces (line 3)", None),
    ("train", "class_weight = balanced", "move `class_weights = balanced` into its braces (line 3)", None),
    ("train", "verbose = 1", "remove it", None),
    ("train", 'device = "cuda"', "did you mean `devices`?", None),
    ("train", "mixed_precision = true", "write `precision = mixed`", ""),
    ("train", "precision = fp16", "`mixed`", ""),
    ("train", "dropout = 0.5", "`dropout` is a layer", None),
    ("train", "schedule = warmup(5) + cosine", "`warmup(5) -> cosine`", None),
    ("train", "schedule = StepLR(step_size = 10, gamma = 0.1)", "write `step(10, 0.1)`", ""),
    ("train", 'scheduler = "cosine"', "write `schedule = cosine`", ""),
    ("train", "schedule = 0.001", "`optimizer = adam(0.001)`", None),
    ("train", "stop = early(5)", "write `early(val_loss, 5)`", ""),
    ("train", "stop = early(val_loss, 5 epochs)", "write `5`", ""),
    ("train", "stop = val_accuracy > 0.9", "write `until(val_accuracy > 0.9)`", ""),
    ("train", 'stop = EarlyStopping(monitor = "val_loss", patience = 5)', "write `early(val_loss, 5)`", ""),
    ("train", 'keep = ModelCheckpoint("best.h5")', "write `best`", ""),
    ("train", 'callbacks = [EarlyStopping(monitor = "val_loss", patience = 3)]', "`stop = early(val_loss, 3)`", ""),
    ("train", "callbacks = EarlyStopping(patience = 7)", "write `stop = early(patience = 7)`", ""),
    ("train", 'callbacks = [ModelCheckpoint("a.keras", monitor = "val_loss")]', "write `keep = best(val_loss)`", ""),
    ("train", "callbacks = [ReduceLROnPlateau(factor = 0.2)]", "write `schedule = reduce_on_plateau(0.2)`", ""),
    ("train", "callbacks = [EarlyStopping(patience = 7), TensorBoard()]", "` and `tensorboard = true`, each", None),
    ("train", "callbacks = [EarlyStopping()]\n    stop = early", "is given (line 10): write `stop = early`", None),
    ("train", "callbacks = [MyCallback(3)]", "in Python `netspec.train(…, callbacks=[…])`", None),
    ("train", "callbacks = []", "remove it", None),
    ("train", "EarlyStopping(patience = 7)", "write `stop = early(patience = 7)`", ""),
    # layers of other libraries
    ("net", 'Conv2D(32, (3,3), activation="relu") -> Flatten() -> Dense(10)', "write `conv(32, (3,3), relu)`", ""),
    ("net", "Convolution(num_output = 96, kernel_size = 11, stride = 4)", "write `conv(96, 11, stride = 4)`", ""),
    ("net", "Pooling(pool = MAX, kernel_size = 3, stride = 2)", "write `maxpool(3, stride = 2)`", ""),
    ("net", "Pooling(pool = AVE, kernel_size = 2) -> dense(10)", "write `avgpool(2)`", ""),
    ("net", "Pooling(pool = AVE, global_pooling = true) -> dense(10)", "write `gap`", ""),
    ("net", "InnerProduct(num_output = 10, weight_filler = xavier)", "write `dense(10)`", ""),
    ("net", "Dropout(dropout_ratio = 0.5) -> Gemm(10) -> SoftmaxWithLoss", "write `dropout(0.5)`", ""),
    ("net", "Conv(96, kernel_shape = 11, strides = 4, foo = 3)", "write `conv(96, 11, stride = 4)`", ""),
    ("net", "GlobalAveragePool() -> dense(10)", "did you mean `gap`?", ""),
    ("net", "(conv(8) | conv(8)) -> Concat(axis = 1)", "write `concat`", ""),
    ("net", "nn.Conv2d(1, 32, 3, padding=1) -> nn.ReLU() -> dense(10)", "write `conv(32, 3, pad = 1)`", ""),
    ("net", "flatten -> nn.Linear(784, 10)", "write `dense(10)`", ""),
    ("net", "dense(784, 10)", "write `dense(10)`", ""),
    ("net", "conv(16, 3, 3) -> dense(10)", "write `conv(16, 3x3)`", ""),
    ("net", "conv(3x3, 16) -> dense(10)", "write `conv(16, 3x3)`", ""),
    ("net", "conv(3x3) -> dense(10)", "write `conv(16, 3x3)`", ""),
    ("net", "conv(1, 16, 3) -> dense(10)", "write `conv(16, 3)`", ""),
    ("net", "conv(16, 3, 1, 1) -> dense(10)", "write `conv(16, 3, stride = 1, pad = 1)`", ""),
    ("net", "conv(1, 32, 3, relu, padding = 1)", "write `conv(32, 3, relu, pad = 1)`: the input channels are", ""),
    ("net", "conv(64, 32, 3, relu, strides = 2)", "write `conv(32, 3, relu, stride = 2)`", ""),
    ("net", "conv(16, 3, 2, relu, pad = same)", "write `conv(16, 3, relu, stride = 2, pad = same)`", ""),
    ("net", "conv(16, (3, 3), (2, 2), relu)", "write `conv(16, (3, 3), relu, stride = (2, 2))`", ""),
    ("net", "conv(16, 3x3, 2, relu)", "write `conv(16, 3x3, relu, stride = 2)`", ""),
    ("net", "param n = 8\nconv(2 * n, 3, relu, 2)", "write `conv(2 * n, 3, relu, stride = 2)`", ""),
    ("seq", "lstm(8, 64, 2, dropout = 0.1) -> gap -> dense(2)", "write `lstm(64, dropout = 0.1) * 2`", ""),
    ("net", "conv(1, 16, (5, 5), relu)", "write `conv(16, (5, 5), relu)`", ""),
    ("net", "conv(16, 3, 3, relu, pad = 1)", "write `conv(16, 3x3, relu, pad = 1)`", ""),
    ("net", "param k = 3\nconv(1, 32, k, relu)", "write `conv(32, k, relu)`", ""),
    ("net", "depthwise(1, 3, relu, pad = same)", "write `depthwise(3, relu, pad = same)`", ""),
    ("net", "upconv(64, 32, 2, stride = 2)", "write `upconv(32, 2, stride = 2)`", ""),
    ("net", "dense(784, 128, relu)", "write `dense(128, relu)`: the input size is", ""),
    ("net", "dense(784, 128, bias = false)", "write `dense(128, bias = false)`", ""),
    ("net", "maxpool(3, 2, padding = 1)", "write `maxpool(3, stride = 2, pad = 1)`", ""),
    ("net", "dense(64) -> dropout(0.5, 3, per = channel)", "write `dropout(0.5, per = channel)`", ""),
    ("net", 'conv(8, 3x3, padding="same") -> dense(10)', "write `pad = same`", ""),
    ("net", "conv(8, 3x3, strides=(2,2)) -> dense(10)", "`stride`", ""),
    ("net", "conv(8, 3x3, input_shape=(28,28,1)) -> dense(10)", "remove it: sizes are inferred", None),
    ("net", "dense(64, use_bias=False) -> dense(10)", "write `bias = false`", ""),
    ("net", "dense(64, kernel_regularizer = l2(0.01)) -> dense(10)", "write `l2 = 0.01`", ""),
    ("net", "conv(8, 3, padding = 'same')", "words have no quotes: write `same`", None),
    ("net", "dense(10, 'softmax')", "words have no quotes: write `softmax`", None),
    ("net", "dense(64, activation=None) -> dense(10)", "`linear`", ""),
    ("net", 'dense(64) -> Activation("relu") -> dense(10)', "write `relu`", ""),
    ("net", "dense(64) -> F.relu -> dense(10)", "write `relu`", ""),
    ("net", "dense(64, trainable=False) -> dense(10)", "write `frozen = true`", ""),
    ("net", "batchnorm(32) -> dense(10)", "write `batchnorm`", ""),
    ("net", "dense(64) -> dropout(0.5, 3) -> dense(10)", "write `dropout(0.5)`", ""),
    ("net", "dense(64) -> dropout(1.5) -> dense(10)", "write a fraction below 1", None),
    ("net", "dense(10, nn.Softmax(dim = 1))", "write `softmax`", ""),
    ("net", "dense -> dense(10)", "such as `dense(64)`", None),
    ("net", "nn.AdaptiveAvgPool2d(1) -> flatten -> dense(10)", "write `avgpool(to = 1)`", ""),
    ("net", "dense(8) -> dense(768, sigmoid) -> reshape(28x28x1)", "`dense(784, sigmoid)` instead of `dense(768", None),
    ("net", "dense(768) -> relu -> reshape(28x28x1)", "write `dense(784)` instead of `dense(768)`, or", None),
    ("mlp", "dense(7*7*128, leaky_relu(0.2)) -> reshape(7x7x256)", "write `dense(12544, leaky_relu(0.2))`", None),
    ("net", "reshape(-1) -> dense(10)", "write `flatten`", None),
    ("net", "dense(10, softmax) -> argmax", "remove it", None),
    ("tok", "Embedding(5000, 32) -> gru(16, return = last) -> dense(2)", "write `embedding(32)`", ""),
    ("tok", "embedding(5000, 32) -> gru(16, return = last) -> dense(2)", "write `embedding(32)`", ""),
    ("tok", "embedding(32) -> Bidirectional(LSTM(16)) -> gap -> dense(2)", "write `bidirectional(lstm(16))`", ""),
    ("tok", "embedding(32) -> MultiHeadAttention(num_heads = 4, key_dim = 8)", "`attention(4, head_size = 8)`", ""),
    ("seq", "lstm(8, 32, num_layers = 2, bidirectional = true, dropout = 0.5, batch_first = true)",
     "write `bidirectional(lstm(32, dropout = 0.5)) * 2`", ""),
    ("seq", "gru(32, num_layers = 2, bidirectional = true, return = last)",
     "write `bidirectional(gru(32)) -> bidirectional(gru(32, return = last))`", ""),
    ("seq", "gru(8, 32, bidirectional = true)", "write `bidirectional(gru(32))`", ""),
    ("seq", "rnn(8, 32, num_layers = 3, return = last)", "write `rnn(32) * 2 -> rnn(32, return = last)`", ""),
    ("seq", "rnn(32, tanh, num_layers = 1, bidirectional = false)", "write `rnn(32, tanh)`", ""),
    ("seq", "nn.GRU(8, 32, num_layers = 2, bidirectional = True)", "write `bidirectional(gru(32)) * 2`", ""),
    ("seq", "nn.LSTM(8, 64, num_layers = 2) -> gap -> dense(2)", "write `lstm(64) * 2`", ""),
    ("seq", "lstm(64, return_sequences = true) -> gap -> dense(3)", "write `return = sequence`", ""),
    ("seq", "lstm(64, return = true) -> gap -> dense(3)", "write `return = sequence`", ""),
    ("seq", "lstm(64, return = last) -> lstm(32) -> gap", "write `lstm(64)`", None),
    ("file", "input 187\n\nconv(32, 5, relu) -> gap -> dense(5)", "`input 187x1`, or `reshape(187x1)` before it", None),
    ("file", "input 784\n\nconv(32, 5, relu) -> gap -> dense(5)", "`input 28x28x1`, or `reshape(28x28x1)`", None),
    ("net", "conv(8, 4x4, stride = 4) -> class_token -> first", "put `reshape(49x8)` before it", None),
    ("net", "conv(8, 4x4, stride = 4) -> sinusoidal -> gap", "put `reshape(49x8)` before it", None),
    ("seq", "TimeDistributed(Dense(10)) -> gap", "write `dense(10)`: it is applied to each step", ""),
    ("seq", "tf.keras.layers.TimeDistributed(dense(10)) -> gap", "write `dense(10)`: it is applied", ""),
    ("iris", "dense(8) -> dense(num_classes)", "`classes`", ""),
    ("iris", "dense(8) -> dense(vocab_size)", "write `classes`, or the number", ""),
    ("file", "input 32 tokens(vocab_size)\n\nembedding(8) -> gap -> dense(2)", "such as `5000`", None),
    ("net", "Foobar -> dense(10)", "known: dense, conv, maxpool, gap, ", None),
    ("net", "dense(hidden)", "expected a positive integer, such as 10", None),
    ("seq", "gap -> lstm(32)", "remove the `gap` before it", None),
    ("source", 'source = npz("a.npz", "x", "y", "x2", "y2")', '`npz("a.npz", "x", "y")`; by name: x_test', None),
    ("source", 'source = npy("a.npy", "b.npy", "c.npy", "d.npy")', 'x_test = "c.npy", y_test = "d.npy")`', "NS401"),
    ("source", 'source = csv("pets.csv", "species", "pets.csv")', '"species", test = "pets.csv")`', ""),
    ("source", 'source = csv("pets.csv", "species", ",")', "by name: delimiter", None),
    # several inputs, and cells with several tags
    ("ratings", 'csv("ratings.csv", "rating", categories = ["user", "item"])', "add `encode = ids` to `csv(…)`", None),
    ("ratings", 'csv("ratings.csv", "rating")', '`categories = ["user", "item"], encode = ids` to', None),
    ("ratings", "diabetes", "the data give one input: `input 10`", None),
    ("file", 'dense(3, softmax)\n\ndata { source = csv("films.csv", "genres") }', '"genres", as = set(","))` in', None),
    ("file", 'dense(9, sigmoid)\n\ndata { source = csv("films.csv", target = "genres") }', "`dense(3, sigmoid)`", None),
    # the form of a spec
    ("file", "input 28, 28, 1\n\ndense(10)", "write `input 28x28x1`", None),
    ("file", "input 28*28\n\ndense(10)", "write `input 28x28`", None),
    ("file", "input [28, 28, 1]\n\ndense(10)", "write `input 28x28x1`", None),
    ("file", "input 28 x 28 x 1\n\ndense(10)", "write `input 28x28x1`", None),
    ("file", "input T x 8\n\nlstm(4)", "write `input (T, 8)`", None),
    ("file", "input image: H x W x 3\n\nconv(4, 3x3)", "write `input image: (H, W, 3)`", None),
    ("file", "input(shape = (28, 28, 1))\n\ndense(10)", "write `input 28x28x1`", None),
    ("file", "input a = 8\n\na -> dense(10)", "write `input a: 8`", None),
    ("file", "Input(28, 28, 1)\n\ndense(10)", "`input 28x28x1`", None),
    ("file", "input 8\n\ndense(10)\n\ntrain(epochs = 3)", "`train { epochs = 3 }`", None),
    ("file", "input 8\n\ndense(10)\n\nfit { epochs = 3 }", "`train`", ""),
    ("file", "input 8\n\nmodel {\n    dense(10)\n}", "without `model { }`", None),
    ("net", "Sequential([conv(16, 3x3), nn.ReLU(), dense(10)])", "write `conv(16, 3x3) -> relu -> dense(10)`", ""),
    ("net", "Sequential([Input((28, 28, 1)), Dense(9)])", "write `dense(9)`, and `input 28x28x1` on a line", ""),
    ("net", "layers = [conv(16, 3x3), dense(10)]\nlayers", "`conv(16, 3x3) -> dense(10)`", None),
    ("net", "x = conv(8)\nx = x -> relu\nx = x -> dense(10)\nx", "`x = conv(8) -> relu -> dense(10)`", None),
    ("net", "x = conv(16, 3x3)(input)\nx -> dense(10)", "write `input -> conv(16, 3x3)`", None),
    ("net", "conv(16, 3x3), relu, dense(10)", "write `->` instead of these commas: `conv(16, 3x3) -> relu -> d", None),
    ("net", "conv(16, 3x3),\nrelu,\ndense(10)", "write `->` instead of these commas: `conv(16, 3x3) -> r", None),
    ("net", "x = Conv2D(8, 3)(input, training = False)\nx -> dense(10)", "write `input -> conv(8, 3)`", None),
    ("net", "(conv(8) -> relu)(input) -> dense(10)", "layers are not called like functions", None),
    ("net", "x = ReLU()(Flatten()(input))\nx -> dense(10)", "write `input -> flatten -> relu`", None),
    ("net", "x = Dense(8)(input)(input)\nx -> dense(10)", "write `input -> Dense(8)`", None),
    ("mlp", "share d = dense(13)\nx = d(input)\nx -> d -> dense(10)", "write `input -> d`", None),
    ("net", "relu(dense(8)) -> dense(10)", "write the layer first: `dense(8) -> relu`", None),
    ("net", "(conv(8) | conv(8)) -> gap", "write `concat -> gap`, or `add -> gap`", None),
    ("net", "model = conv(8)\nmodel.add(dense(10))", "write `model -> dense(10)`", ""),
    ("net", "x = input -> conv(8)\ny = x -> conv(8)\nadd([x, y]) -> dense(10)", "`(x | y) -> add`", None),
    ("net", "x = input -> conv(8)\ny = x -> conv(8)\nconcatenate([x, y])", "write `(x | y) -> concat`", ""),
    ("net", "skip(conv(8, 3x3)) -> dense(10)", "write `residual(conv(8, 3x3))`", ""),
    ("net", "residual(conv(8), conv(8)) -> dense(10)", "`residual(conv(8) -> conv(8))`", None),
    ("net", "(conv(8), conv(16)) -> concat -> dense(10)", "separated by `|`", None),
    ("net", "conv(16, 3x3), dense(10)", "write `->` instead of this comma", None),
    ("net", "dense(64) -> relu ->", "write a layer after this `->`, or remove it", None),
    ("net", "dense(10).softmax()", "write `-> softmax`", None),
    ("net", "x = conv(8)\ngap(x) -> dense(10)", "write `x -> gap`", None),
    ("net", "flatten(input) -> dense(10)", "write `input -> flatten`", None),
    ("mlp", "def unit(x, n) = x -> dense(n)\nunit(32) -> dense(2)", "write `def unit(n) = dense(n)`", None),
    ("mlp", "def unit(x, n) {\n    x = x -> dense(n)\n    x\n}\nunit(32)", "remove `x` from `def`", None),
    ("mlp", "def unit(x, n) = input -> dense(n)\nunit(32)", "write `def unit(n) = dense(n)`", None),
    ("mlp", "def two(a, n) = dense(a) -> dense(n)\ntwo(32)", "write it as `two(32, n = …)`", None),
    ("net", "return conv(8)", "remove `return`", None),
    ("net", "def block(x, n) { x -> dense(n) }\nblock(16, 3)", "write `def block(n) = dense(n)`", None),
    ("net", "h = conv(8)\noutput y = h -> dense(10)\nexpect { h == 28x28x8 }", "write `h = input -> conv(8)`", None),
    ("net", "conv(8) -> dense(10)\n\nexpect { conv == 28x28x8 }", "`h = input -> conv(…)`", None),
    ("mlp", "h = input -> dense(5)\nh -> dense(3)\n\nexpect { h.features == 5 }", "write `h == 5`", None),
    ("file", f"{REGRESSION}\n\nexpect {{ accuracy > 90 }}", "measures no accuracy: measured are test_loss", None),
    ("file", f"{REGRESSION}\n\nexpect {{ test_f1 > 90 }}", "test_r2; write `test_r2 > …`", None),
    ("file", f"{REGRESSION}\n\nexpect {{ test_r2 >= 40 }}", "for 40 percent write `40%`", None),
    ("file", f"{REGRESSION}\n\ntrain {{ stop = early(val_accuracy) }}", "val_r2; write `val_r2`", None),
    ("iris", "dense(classes, softmax)\n\nexpect { accuracy > 90 }", "write `test_accuracy > 90%`", None),
    ("iris", "dense(classes, softmax)\n\nexpect { loss < 0.1 }", "write `test_loss < 0.1`", None),
    ("mlp", "dense(3)\n\nexpect { accuracy > 90 }", "write `test_accuracy > 90%`", None),
    ("mlp", "dense(3)\n\nexpect { 1000 > params }", "write `params < 1000`", None),
    ("train", 'callbacks = [ModelCheckpoint("a.keras", save_best_only = true)]', "write `keep = best`", ""),
    ("train", 'callbacks = ModelCheckpoint("a.keras", monitor = "val_accuracy", mode = "max")', "`keep = best(", ""),
    ("train", "keep = best(save_best_only = true)", "remove it: `best` saves the weights", None),
    # trainers of Hugging Face and Lightning
    ("train", "num_train_epochs = 3", "did you mean `epochs`?", ""),
    ("train", "max_epochs = 3", "did you mean `epochs`?", ""),
    ("train", "per_device_train_batch_size = 16", "did you mean `batch`?", ""),
    ("train", 'lr_scheduler_type = "cosine"', "write `schedule = cosine`", ""),
    ("train", "warmup_ratio = 0.1\n    epochs = 30", "write `schedule = warmup(3 epochs) -> cosine`", ""),
    ("train", 'warmup_steps = 5\n    lr_scheduler_type = "linear"', "`schedule = warmup(5 steps) -> linear`", None),
    ("train", "warmup_epochs = 2\n    schedule = linear", "epochs) -> linear` (line 10), and remove this line", None),
    ("train", 'warmup_steps = 5\n    lr = 0.1', "write `schedule = warmup(5 steps) -> cosine`", None),
    ("train", "fp16 = true", "write `precision = mixed`", ""),
    ("train", "bf16 = true", "write `precision = mixed`", ""),
    ("train", 'precision = "fp16"', "write `precision = mixed`", ""),
    ("train", 'precision = "16-mixed"', "write `precision = mixed`", ""),
    ("train", "load_best_model_at_end = true", "write `keep = best`", ""),
    ("train", 'metric_for_best_model = "accuracy"', "write `keep = best(val_accuracy)`", ""),
    ("train", 'evaluation_strategy = "epoch"', "remove it: the validation split is evaluated after every", None),
    ("train", "xyzzy = 3", "its settings: epochs, batch, optimizer, schedule, loss, metrics, stop, keep, ", None),
    # dicts of Python, and lists for several outputs
    ("data", "class_weights = {0: 1, 2: 9, 1: 3}", "write `class_weights = [1, 3, 9]`", None),
    ("data", "class_weights {0: 1, 1: 9}", "write `class_weights = [1, 9]`", None),
    ("data", 'class_weights = {"no": 1, "yes": 9}', "`class_weights = [1, 9]`, in the order of the classes", None),
    ("train", 'metrics = {"age": "mae", "sex": f1}', 'write `metrics = of("age", mae) -> of("sex", f1)`', None),
    ("file", TWO_OUTPUTS.format("loss = [mse, binary_cross_entropy]"), '`loss = of("a", mse) -> of("b", binary_cr', ""),
    ("file", TWO_OUTPUTS.format('metrics = of("B", accuracy)'), "did you mean `b`?", None),
    ("file", TWO_OUTPUTS.format("loss_weights = [0.5, 1]"), '`loss = of("a", weight = 0.5) -> of("b", weight', ""),
    ("file", TWO_OUTPUTS.format("loss = mse\n    loss_weights = [0.5, 1]"), '("a", mse, weight = 0.5) -> of("b"', None),
    ("mlp", "dense(1, softmax)\n\ntrain { epochs = 3 }", "write `dense(1, sigmoid)`", None),
    ("mlp", "dense(3)\n\nexpect { total_params < 1000 }", "`params`", ""),
]  # fmt: skip
"""The context, the mistake, a part of the hint, and what is left where hints are followed: nothing, the code of the
next problem, or None where the hint is a sentence that has no single text to write."""


def check(spec: str, folder: Path) -> list[Diagnostic]:
    (folder / "x.net").write_text(spec)
    return [problem for problem in netspec.check(folder / "x.net") if problem.is_error]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mistakes")
    rows = [f"{1 + i % 3}.{i},{i % 7},{('cat', 'dog', 'rabbit')[i % 3]}" for i in range(30)]
    (folder / "pets.csv").write_text("\n".join(["weight,height,species", *rows]) + "\n")
    rows = [f"{i % 7},{i % 5},{i / 2}" for i in range(30)]
    (folder / "ratings.csv").write_text("\n".join(["user,item,rating", *rows]) + "\n")
    genres = ("Action", '"Action,Comedy"', '"Comedy,Drama"', "Drama", '"Action,Drama"')
    (folder / "films.csv").write_text("\n".join(["year,genres", *(f"{i},{genres[i % 5]}" for i in range(30))]) + "\n")
    return folder


def follow(spec: str, problem: Diagnostic) -> str | None:
    """The spec with what a hint says in place of what is wrong; None where it says no text."""
    assert problem.span is not None
    start, end, hint = problem.span.start, problem.span.end, problem.hint_text.splitlines()[0]
    written = re.search(r"(?:write|did you mean) `([^`]*)`", hint) or re.fullmatch(r"remove the quotes: (.*)", hint)
    if written is None:
        return None
    text = written[1]
    if setting := re.match(r"\w+(?= = )", text):
        begin = re.search(rf"{setting[0]}\s*=\s*$", spec[:start])
        return spec[: begin.start() if begin else start] + text + spec[end_of_value(spec, start) :]
    around = re.search(r"(\w+)\($", spec[: last_open(spec, start) + 1])
    if around and hint.startswith("write") and around[1] in text.split("(")[:2]:
        start = around.start()
        end = end_of_value(spec, start)
    elif hint.startswith("write") and spec[end : end + 1] == "(":
        end = end_of_value(spec, start)
    return spec[:start] + text + spec[end:]


def last_open(spec: str, place: int) -> int:
    """The bracket that is open at a place."""
    depth = 0
    for index in range(place - 1, -1, -1):
        depth += (spec[index] == ")") - (spec[index] == "(")
        if depth < 0:
            return index
    return 0


def end_of_value(spec: str, start: int) -> int:
    """Where the argument, the setting or the layer ends that begins at a place."""
    depth = 0
    for index in range(start, len(spec)):
        depth += (spec[index] in "([") - (spec[index] in ")]")
        if depth < 0 or (depth == 0 and (spec[index] in ",\n" or spec[index : index + 3] == " ->")):
            return index
    return len(spec)


GIVEN = [
    # name, value, what to give on the command line, in `params` and as an argument of `netspec.train`
    ("train.lr", "0.01", "-D train.optimizer.rate=0.01", "train.optimizer.rate", "adam(0.01, b1 = 0.8)"),
    ("train.rate", "0.01", "-D train.optimizer.rate=0.01", "train.optimizer.rate", "adam(0.01, b1 = 0.8)"),
    ("train.b1", "0.7", "-D train.optimizer.b1=0.7", "train.optimizer.b1", "adam(1e-3, b1 = 0.7)"),
    ("train.clip", "1.0", '-D "train.optimizer=clip(1.0) -> adam(1e-3, b1 = 0.8)"', "", None),
    ("lr", "0.01", "-D train.optimizer.rate=0.01", "train.optimizer.rate", None),
    ("learning_rate", "0.01", "-D train.optimizer.rate=0.01", "train.optimizer.rate", None),
    ("epochs", "5", "-D train.epochs=5", "train.epochs", None),
    ("num_epochs", "5", "-D train.epochs=5", "train.epochs", None),
    ("batch_size", "64", "-D train.batch=64", "train.batch", None),
    ("train.batch_size", "64", "-D train.batch=64", "train.batch", "64"),
    ("train.val", "0.2", "-D data.val=0.2", "data.val", None),
    ("test_size", "0.2", "-D data.test=0.2", "data.test", None),
    ("optimzer", "sgd", "-D train.optimizer=sgd", "train.optimizer", None),
    ("train.optimizer.lr", "0.1", "-D train.optimizer.rate=0.1", "train.optimizer.rate", None),
]  # fmt: skip
"""What is given in other words: the name, the value, and what the hints say to give."""


@pytest.mark.parametrize(("name", "value", "option", "param", "setting"), GIVEN, ids=[row[0] for row in GIVEN])
def test_hints_about_what_is_given_are_typed_in_the_same_way(
    name: str, value: str, option: str, param: str, setting: str | None
) -> None:
    spec = CONTEXTS["train"].format("optimizer = adam(1e-3, b1 = 0.8)")
    [problem] = Compilation(Source("x.net", spec), overrides={name: value}).diagnose()
    assert f"`{option}`" in problem.hint_text
    key, _, new = option.removeprefix("-D ").strip('"').partition("=")
    assert not netspec.check(spec, params={key: new})
    [problem] = netspec.check(spec, params={name: value})
    assert not param or f'`params={{"{param}": {value}}}`' in problem.hint_text.replace(f'"{value}"', value)
    assert problem.span is not None and problem.span.source.text.startswith("params=")
    if setting is not None:
        with pytest.raises(netspec.CompileError) as caught:
            netspec.train(spec, **{name: value})
        [problem] = caught.value.diagnostics
        argument = name.removeprefix("train.")
        assert problem.span is not None and problem.span.text == argument
        assert problem.span.source.text == f"netspec.train(…, {argument}={value})"
        assert f'="{setting}"`' in problem.hint_text or f"batch={setting}`" in problem.hint_text


def test_a_value_of_python_has_a_hint_in_python() -> None:
    with pytest.raises(netspec.CompileError) as caught:
        netspec.train(CONTEXTS["train"].format("epochs = 1"), metrics=["accuracy", "f1"])
    [problem] = caught.value.diagnostics
    assert problem.hint_text == 'write `metrics="accuracy -> f1"`'
    assert problem.span is not None and problem.span.source.name == "Python: metrics"


@pytest.mark.parametrize(("context", "mistake", "hint", "left"), MISTAKES, ids=[row[1] for row in MISTAKES])
def test_the_hint_leads_on(context: str, mistake: str, hint: str, left: str | None, folder: Path) -> None:
    spec = CONTEXTS[context].format(mistake)
    found = check(spec, folder)
    assert found and hint in found[0].hint_text, [f"{problem!r} {problem.hint_text}" for problem in found]
    assert "describes its options" not in found[0].hint_text
    if left is None:
        return
    seen = [spec]
    while found and found[0].code != left:
        followed = follow(spec, found[0])
        assert followed is not None and followed not in seen, (spec, found, seen)
        spec = followed
        seen.append(spec)
        found = check(spec, folder)
    assert [problem.code for problem in found] == ([left] if left else []), (spec, found)


MODELS = {
    'inputs = Input(shape=(784,))\nh = Dense(64, activation="relu")(inputs)\n'
    'outputs = Dense(10, activation="softmax")(h)\nmodel = Model(inputs, outputs)\n': """\
input inputs: 784
h = inputs -> dense(64, relu)
outputs = h -> dense(10, softmax)
outputs
""",
    'a = keras.Input((8, 8, 1), name="a")\nh = layers.Flatten()(a)\nh = layers.Dense(4)(h)\n'
    "s = Dense(4)(h) + h\nm = keras.Model(inputs=[a], outputs=s)\n": """\
input a: 8x8x1
h = a -> flatten -> dense(4)
s = (h -> dense(4)) + h
s
""",
    'model = Sequential()\nmodel.add(Dense(64, activation="relu"))\nmodel.add(Dense(10))\nmodel.compile()\n': """\
dense(64, relu)
-> dense(10)
""",
    "x = Input((8,))\nx = Dense(64)(x)\nx = Dense(10)(x)\nModel(x, x)\n": """\
input 8
x = input -> dense(64) -> dense(10)
x
""",
}


@pytest.mark.parametrize("model", MODELS)
def test_the_hints_of_a_functional_model_fit_each_other(model: str, folder: Path) -> None:
    lines = model.splitlines()
    for problem in check(model, folder):
        assert problem.span is not None
        written = re.findall("`([^`]*)`", problem.hint_text)[0]
        line = problem.span.first.line - 1
        start = problem.span.first.column - 1
        if problem.hint_text.startswith("remove"):
            lines[line] = ""
        elif chained := re.search("instead of lines? (.*):", problem.hint_text):
            numbers = [int(number) - 1 for number in re.findall("[0-9]+", chained[1])]
            lines = [("" if i in numbers else text) for i, text in enumerate(lines)]
            lines[numbers[0]] = written
        elif problem.code == "NS101":
            called = re.search(r"[\w.]+\([^()]*\)$", lines[line][:start])
            assert called is not None
            lines[line] = lines[line][: called.start()] + written + lines[line][lines[line].index(")", start) + 1 :]
        else:
            lines[line] = written
    assert [line for line in lines if line] == MODELS[model].splitlines()
    assert [problem.code for problem in check("\n".join(lines), folder)] == ([] if "nput" in model else ["NS213"])
