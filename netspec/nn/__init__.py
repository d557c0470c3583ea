"""The runtime that emitted code calls: the names and the state of `flax.nnx`, and the few things that it lacks.

Input: arrays. Guarantee: the values and gradients of `flax.nnx`, up to rounding. Output: arrays. Some layers have a
lowering that is faster on the current device, under the same names (`lowering/`); `using("reference")` turns that off.
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
from netspec.nn.batch_norm import BatchNorm
from netspec.nn.convolution import Conv
from netspec.nn.dropout import Dropout
from netspec.nn.helpers import (
    Frozen,
    average,
    avg_pool,
    ceil_padding,
    filled_steps,
    fixed,
    flatten,
    frozen,
    is_reading,
    maximum,
    mish,
    product,
    scale,
    step,
    uniform_between,
)
from netspec.nn.linear import Linear
from netspec.nn.lowering.attention_cpu import Attention, attend
from netspec.nn.lowering.choice import LOWERINGS, compiler_options, using
from netspec.nn.lowering.recurrent_cpu import GRU, LSTM, SimpleRNN
from netspec.nn.norms import GaussianNoise, l2_normalize, local_response_norm, real_steps
from netspec.nn.output import predictions
from netspec.nn.pooling import max_pool
from netspec.nn.probes import probe, record
from netspec.nn.recurrent import Bidirectional, first_step, last_step, mean_of_steps
from netspec.nn.resampling import adaptive_pool, center_crop, crop, crop_like, resize, resize_like, upsample
