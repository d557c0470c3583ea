"""Other libraries: the order of arguments, values and options that have no declaration here."""

from __future__ import annotations

TORCH_CONV = ("", "filters", "kernel", "stride", "pad", "dilation", "groups")
KERAS_CONV = ("filters", "kernel", "stride", "pad")
_POOL = ("window", "stride", "pad")
ORDER: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(["Linear", "LazyLinear", "Embed"], ("", "units")),
    **dict.fromkeys(["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d"], TORCH_CONV),
    **dict.fromkeys(["Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose"], KERAS_CONV),
    **dict.fromkeys(["MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d", "AvgPool2d"], _POOL),
    **dict.fromkeys(["MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D"], _POOL),
    **dict.fromkeys(["maxpool", "avgpool"], _POOL),
    **dict.fromkeys(["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "InstanceNorm2d", "batchnorm"], ("",)),
    "ModelCheckpoint": ("",),
    **dict.fromkeys(["BatchNormalization", "LayerNormalization", "layernorm", "Softmax", "softmax", "ReLU"], ("",)),
    **dict.fromkeys(["LSTM", "GRU", "RNN", "lstm", "gru", "rnn"], ("", "units")),
    **dict.fromkeys(["Embedding", "embedding"], ("", "features")),
    **dict.fromkeys(["MultiheadAttention", "attention"], ("", "heads")),
    **dict.fromkeys(["AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d"], ("to",)),
    "GroupNorm": ("groups", ""),
    "dense": ("", "units"),
}
"""The positional arguments of calls in other libraries, by the option that each becomes; sizes of the input (empty) are
never given here. A call with a single one of several is one in the order of netspec."""

MAX_KERNEL = 11
"""A larger number in the place of a kernel is one of channels."""

_NO_INPUT_SIZE = "remove it: sizes are inferred from the line `input 28x28x1`, or from the data"
OPTIONS: dict[str, str] = {
    **dict.fromkeys(["inputshape", "inputdim", "infeatures", "inchannels", "inputsize"], _NO_INPUT_SIZE),
    **dict.fromkeys(["batchinputshape", "layer.batchsize", "numfeatures"], _NO_INPUT_SIZE),
    **dict.fromkeys(["fromlogits", "reduction"], "remove it: the loss is the mean, computed from the logits"),
    **dict.fromkeys(["activation.dim", "activation.axis"], "remove it: channels come last, and it is applied to them"),
    **dict.fromkeys(["batchfirst", "dataformat"], "remove it: the order of axes is fixed, and channels come last"),
    "numlayers": "repeat the layer instead: `{word}(…) * {value}`",
    "returnstate": "remove it: the state is the output of the last step, `return = last`",
    "maskzero": "declare the padding with the input: `input 128 tokens(5000, pad = 0)`",
    "restorebestweights": "remove it: the best weights are saved by default, with a validation split",
    **dict.fromkeys(
        ["savebestonly", "saveweightsonly", "filepath"], "remove it: `{word}` saves the weights in the run"
    ),
    **dict.fromkeys(["savefreq", "savetopk", "savelast"], "remove it: the weights are compared after every epoch"),
    **dict.fromkeys(["baseline", "startfromepoch"], "remove it: there is no such option"),
    **dict.fromkeys(["mode", "verbose", "inplace", "foreach", "fused", "dampening"], "remove it: it is not needed"),
    "bidirectional.return": "give it to the layer inside: `bidirectional(lstm(16, return = {value}))`",
    "indexcol": "remove it: a first column without a name that identifies the rows is left out; "
    'others are by their names: `drop = "id"`',
    "images.rescale": "remove it: images are scaled to 0..1",
    **dict.fromkeys(["images.classmode", "images.labelmode"], "remove it: the classes are the folders"),
    **dict.fromkeys(["images.labels", "images.classnames", "images.classes"], "remove it: the classes are the folders"),
    "images.interpolation": "remove it: images are resized bilinearly",
    "images.subset": "remove it: `val` in `data` is the fraction of the validation split",
    "loss.weight": "weights of classes are a setting of `data`: write `class_weights = {value}` there",
}
"""Options of other libraries, squeezed, that netspec does without, for any word, one or a category; what to do."""

_SIZE = r"[\[(]\s*([0-9]+)\s*,\s*([0-9]+)\s*(?:,\s*[134]\s*)?[\])]"
TRANSLATED = (
    ("kernelregularizer", r"(?:\w+\.)*[lL]([12])\(([^()=]*=)?(.+)\)", r"l\1 = \3"),
    ("betas", r"[\[(](.+),\s*(.+)[\])]", r"b1 = \1, b2 = \2"),
    *((name, _SIZE, r"size = \1x\2") for name in ("size", "targetsize", "imagesize")),
    ("indexcol", "(['\"][^'\"]+['\"])", r"drop = \1"),
    ("colormode", "['\"](grayscale|L)['\"]", "channels = 1"),
    ("colormode", "['\"]rgb['\"]", "channels = 3"),
    ("colormode", "['\"]rgba['\"]", "channels = 4"),
)
"""Options, squeezed, whose value says which option it is here: a pattern of the value, and what is written."""

VALUES: dict[str, tuple[str, ...]] = {
    "true": ("sequence", "standard", "mixed"),
    "false": ("last", "none"),
    "none": ("none", "linear"),
    "null": ("none", "linear"),
    "0": ("first",),
    **dict.fromkeys(
        ["fp16", "float16", "half", "16", "mixedfloat16", "16mixed", "bf16mixed", "mixedbfloat16"], ("mixed",)
    ),
    **dict.fromkeys(["fp32", "float32", "32", "32true"], ("f32",)),
    **dict.fromkeys(["bfloat16", "bf16true"], ("bf16",)),
    **dict.fromkeys(["minmax", "minmaxscaler", "255", "1/255", "255.0"], ("unit",)),
    **dict.fromkeys(["zscore", "standardscaler", "meanstd"], ("standard",)),
    **dict.fromkeys(["classification", "categorical", "classifier"], ("classes",)),
    **dict.fromkeys(["regression", "numeric", "regressor"], ("numbers",)),
    **dict.fromkeys(["concatenate"], ("concat",)),
    "sum": ("add",),
}
"""Values of other libraries, squeezed, and the bare words here, of which an option takes at most one."""

FILES = {
    "csv": "csv", "tsv": "csv", "data": "csv", "parquet": "parquet", "npz": "npz", "npy": "npy", "txt": "text",
}  # fmt: skip
"""The data source of a file, by the suffix of its name."""

SHORTCUTS = ("skip", "shortcut", "skipconnection", "residualblock", "resblock")
"""Functions that add their input to the output of layers, squeezed."""

CONTAINERS = ("sequential", "model", "modulelist", "functional")
"""What holds a list of layers in other libraries, squeezed."""

COMMON = ("adam", "sgd", "adamw", "rmsprop", "early", "cross_entropy", "accuracy", "cosine", "best", "csv", "flip")
"""The words that are shown as examples."""

COMMON_SETTINGS = ("epochs", "batch", "optimizer", "schedule", "loss", "metrics", "stop", "keep", "precision", "seed")
"""The settings of `train` that are shown where none is near."""

_PROGRESS = "remove it: progress is shown by itself; in Python `netspec.train(…, verbose=0)` hides it"
_DEVICE = "remove it: a GPU is used where JAX finds one"
_WORKERS = "remove it: batches are prepared while the device computes"
_FOLDER = "remove it: each run has a folder of its own in `runs`"
_EVALUATION = "remove it: the validation split is evaluated after every epoch"
SETTINGS: dict[str, str] = {
    **dict.fromkeys(["evaluationstrategy", "evalstrategy", "evalsteps", "checkvaleverynepoch"], _EVALUATION),
    **dict.fromkeys(["perdeviceevalbatchsize", "evalbatchsize", "valbatchsize", "greaterisbetter"], _EVALUATION),
    **dict.fromkeys(["loggingsteps", "logeverynsteps", "loggingstrategy", "reportto"], _PROGRESS),
    **dict.fromkeys(["verbose", "progress", "progressbar"], _PROGRESS),
    **dict.fromkeys(["device", "gpu", "cuda", "accelerator"], _DEVICE),
    "gpus": "write `devices = 2`, the number of GPUs or other devices to train on",
    **dict.fromkeys(["numworkers", "workers", "pinmemory", "prefetch"], _WORKERS),
    **dict.fromkeys(["logdir", "savedir", "outputdir", "checkpointdir", "loggingdir"], _FOLDER),
    "stepsperepoch": "remove it: an epoch is one pass over the training examples; `limit` in `data` sets their number",
    **dict.fromkeys(["fp16", "bf16", "half", "usemixedprecision"], "write `precision = mixed`"),
    **dict.fromkeys(["rescale", "scale", "rescaling"], "write `normalize = unit`"),
    **dict.fromkeys(["save", "savemodel", "checkpoint", "modelcheckpoint"], "write `keep = best`"),
    **dict.fromkeys(["model", "network", "layers"], "write the layers on a line outside of the braces, joined by `->`"),
    **dict.fromkeys(["classes", "numclasses"], "write it as the units of the last layer: `dense({value}, softmax)`"),
    **dict.fromkeys(["classnames", "labelnames"], "remove it: the names of the classes are read from the data"),
    **dict.fromkeys(["imagesize", "imgsize", "targetsize"], "begin the network with a layer: `resize({value}) -> …`"),
}
"""Settings of other libraries, squeezed, that have no counterpart of their own, and what to do."""

SPLITS = ("split", "splits", "traintestsplit", "trainvaltestsplit", "randomsplit")
"""Settings of other libraries, squeezed, with the fractions of the training examples and others."""

TRAINING_PARTS = ("trainsplit", "trainsize", "trainfraction", "train")
"""Those with the fraction of the training examples."""

VOCABULARY = [
    "vocabsize",
    "vocabularysize",
    "vocab",
    "vocablen",
    "numtokens",
    "ntokens",
    "ntoken",
    "numwords",
    "nwords",
]
"""Names, squeezed, that people give to the number of ids."""

BATCH_WORDS = ("none", "batch", "batch_size")
"""What people write before the sizes of an input."""
