"""The runtime that emitted code calls: the names and the state of `flax.nnx`, and the few things that it lacks.

Some are lowered to what is fastest on the device at hand, under the same names (lowering.py); `using("reference")`
turns that off.
"""

from flax.nnx import (
    ConvTranspose as ConvTranspose,
    Embed as Embed,
    GroupNorm as GroupNorm,
    InstanceNorm as InstanceNorm,
    LayerNorm as LayerNorm,
    Module as Module,
    PReLU as PReLU,
    RMSNorm as RMSNorm,
    Rngs as Rngs,
    celu as celu,
    elu as elu,
    gelu as gelu,
    hard_sigmoid as hard_sigmoid,
    hard_swish as hard_swish,
    identity as identity,
    leaky_relu as leaky_relu,
    log_softmax as log_softmax,
    relu as relu,
    relu6 as relu6,
    selu as selu,
    sigmoid as sigmoid,
    silu as silu,
    soft_sign as soft_sign,
    softmax as softmax,
    softplus as softplus,
    tanh as tanh,
)

from netspec.nn import initializers as initializers
from netspec.nn.attention import (
    ClassToken as ClassToken,
    PositionEmbedding as PositionEmbedding,
    rope as rope,
    sinusoidal as sinusoidal,
)
from netspec.nn.batch_norm import BatchNorm as BatchNorm
from netspec.nn.convolution import Conv as Conv
from netspec.nn.dropout import Dropout as Dropout
from netspec.nn.helpers import (
    Frozen as Frozen,
    average as average,
    avg_pool as avg_pool,
    ceil_padding as ceil_padding,
    fixed as fixed,
    flatten as flatten,
    frozen as frozen,
    maximum as maximum,
    mish as mish,
    product as product,
    scale as scale,
    step as step,
    uniform_between as uniform_between,
)
from netspec.nn.linear import Linear as Linear
from netspec.nn.lowering.attention_cpu import Attention as Attention, attend as attend
from netspec.nn.lowering.choice import LOWERINGS as LOWERINGS, compiler_options as compiler_options, using as using
from netspec.nn.lowering.recurrent_cpu import GRU as GRU, LSTM as LSTM, SimpleRNN as SimpleRNN
from netspec.nn.norms import (
    GaussianNoise as GaussianNoise,
    l2_normalize as l2_normalize,
    local_response_norm as local_response_norm,
    real_steps as real_steps,
)
from netspec.nn.output import predictions as predictions
from netspec.nn.pooling import max_pool as max_pool
from netspec.nn.probes import probe as probe, record as record
from netspec.nn.recurrent import (
    Bidirectional as Bidirectional,
    first_step as first_step,
    last_step as last_step,
    mean_of_steps as mean_of_steps,
)
from netspec.nn.resampling import (
    adaptive_pool as adaptive_pool,
    center_crop as center_crop,
    crop as crop,
    crop_like as crop_like,
    resize as resize,
    resize_like as resize_like,
    upsample as upsample,
)
