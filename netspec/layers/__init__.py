"""Every layer, activation and initializer, one file per family; importing this package fills the vocabulary.

Input: nothing. Guarantee: a layer is declared once, without JAX. Output: declarations, which checking, inference,
emission, docs and tests read.
"""

from netspec.layers import (
    activations as activations,
    dense as dense,
    initializers as initializers,
    merge as merge,
    norm as norm,
    regularization as regularization,
    reshape as reshape,
    residual as residual,
)
from netspec.layers.sequence import (
    attention as attention,
    bidirectional as bidirectional,
    positions as positions,
    recurrent as recurrent,
    steps as steps,
    tokens as tokens,
    unembed as unembed,
)
from netspec.layers.spatial import (
    conv as conv,
    cropping as cropping,
    pool as pool,
    resize as resize,
    transposed_conv as transposed_conv,
)
