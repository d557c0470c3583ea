"""The runtime that emitted code calls: the names and the state of `flax.nnx`, and the few things that it lacks.

Some are lowered to what is fastest on the device at hand, under the same names (lowering.py); `using("reference")`
turns that off.
"""

from flax.nnx import (
    ConvTranspose,
    Embed,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    Module,
    PReLU,
    RMSNorm,
    Rngs,
    celu,
    elu,
    gelu,
    hard_sigmoid,
    hard_swish,
    identity,
    leaky_relu,
    log_softmax,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_sign,
    softmax,
    softplus,
    tanh,
)

from netspec.nn import initializers
from netspec.nn.attention import ClassToken, PositionEmbedding, rope, sinusoidal
from netspec.nn.attention_lowered import Attention, attend
from netspec.nn.batchnorm import BatchNorm
from netspec.nn.convolution import Conv
from netspec.nn.dropout import Dropout
from netspec.nn.helpers import (
    Frozen,
    average,
    avg_pool,
    ceil_padding,
    fixed,
    flatten,
    frozen,
    maximum,
    mish,
    product,
    scale,
    step,
    uniform_between,
)
from netspec.nn.linear import Linear
from netspec.nn.lowering import LOWERINGS, compiler_options, using
from netspec.nn.norms import GaussianNoise, l2_normalize, local_response_norm, real_steps
from netspec.nn.pools import max_pool
from netspec.nn.probes import probe, record
from netspec.nn.recurrent import Bidirectional, first_step, last_step, mean_of_steps
from netspec.nn.recurrent_lowered import GRU, LSTM, SimpleRNN
from netspec.nn.windows import adaptive_pool, center_crop, crop, crop_like, resize, resize_like, upsample

__all__ = [
    "GRU",
    "LOWERINGS",
    "LSTM",
    "Attention",
    "BatchNorm",
    "Bidirectional",
    "ClassToken",
    "Conv",
    "ConvTranspose",
    "Dropout",
    "Embed",
    "Frozen",
    "GaussianNoise",
    "GroupNorm",
    "InstanceNorm",
    "LayerNorm",
    "Linear",
    "Module",
    "PReLU",
    "PositionEmbedding",
    "RMSNorm",
    "Rngs",
    "SimpleRNN",
    "adaptive_pool",
    "attend",
    "average",
    "avg_pool",
    "ceil_padding",
    "celu",
    "center_crop",
    "compiler_options",
    "crop",
    "crop_like",
    "elu",
    "first_step",
    "fixed",
    "flatten",
    "frozen",
    "gelu",
    "hard_sigmoid",
    "hard_swish",
    "identity",
    "initializers",
    "l2_normalize",
    "last_step",
    "leaky_relu",
    "local_response_norm",
    "log_softmax",
    "max_pool",
    "maximum",
    "mean_of_steps",
    "mish",
    "probe",
    "product",
    "real_steps",
    "record",
    "relu",
    "relu6",
    "resize",
    "resize_like",
    "rope",
    "scale",
    "selu",
    "sigmoid",
    "silu",
    "sinusoidal",
    "soft_sign",
    "softmax",
    "softplus",
    "step",
    "tanh",
    "uniform_between",
    "upsample",
    "using",
]
