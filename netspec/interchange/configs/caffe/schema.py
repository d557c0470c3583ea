"""Which fields the messages of Caffe have, as in `caffe.proto`: unknown ones are reported with the nearest name.

Fields of the training only (fillers, rates of single weights, settings of the GPU) are among them; they are not read.
"""

from __future__ import annotations

from netspec.interchange.configs.caffe.prototxt import Message
from netspec.interchange.reading.sketch import Sketch
from netspec.language.corrections import suggest

_FILLER = "type value min max mean std sparse variance_norm"
_FILLERS = "weight_filler bias_filler"
_WINDOW = "kernel_size pad stride kernel_h kernel_w pad_h pad_w stride_h stride_w engine"
_DATA = "source batch_size rand_skip backend scale mean_file crop_size mirror force_encoded_color prefetch"
_SAMPLES = "batch_size shuffle new_height new_width is_color root_folder"

FIELDS = {
    "": "name input input_shape input_dim force_backward state debug_info layer layers",
    "layer": "name type bottom top phase loss_weight param blobs propagate_down include exclude",
    "layers": "name type bottom top include exclude blobs param blob_share_mode blobs_lr weight_decay loss_weight",
    "input_shape": "dim",
    "shape": "dim",
    "state": "phase level stage",
    "include": "phase min_level max_level stage not_stage",
    "exclude": "phase min_level max_level stage not_stage",
    "param": "name share_mode lr_mult decay_mult",
    "accuracy_param": "top_k axis ignore_label",
    "argmax_param": "out_max_val top_k axis",
    "batch_norm_param": "use_global_stats moving_average_fraction eps engine",
    "bias_param": "axis num_axes filler",
    "clip_param": "min max",
    "concat_param": "axis concat_dim",
    "convolution_param": f"num_output bias_term dilation group axis force_nd_im2col {_FILLERS} {_WINDOW}",
    "crop_param": "axis offset",
    "data_param": _DATA,
    "dropout_param": "dropout_ratio scale_train",
    "dummy_data_param": "data_filler shape num channels height width",
    "eltwise_param": "operation coeff stable_prod_grad",
    "elu_param": "alpha",
    "exp_param": "base scale shift",
    "flatten_param": "axis end_axis",
    "hdf5_data_param": "source batch_size shuffle",
    "hinge_loss_param": "norm",
    "image_data_param": f"source rand_skip scale mean_file crop_size mirror {_SAMPLES}",
    "inner_product_param": f"num_output bias_term axis transpose {_FILLERS}",
    "input_param": "shape",
    "interp_param": "height width zoom_factor shrink_factor pad_beg pad_end",
    "log_param": "base scale shift",
    "loss_param": "ignore_label normalization normalize",
    "lrn_param": "local_size alpha beta norm_region k engine",
    "memory_data_param": "batch_size channels height width",
    "permute_param": "order",
    "pooling_param": f"pool global_pooling round_mode ceil_mode {_WINDOW}",
    "power_param": "power scale shift",
    "prelu_param": "filler channel_shared",
    "relu_param": "negative_slope engine",
    "reduction_param": "operation axis coeff",
    "reshape_param": "shape axis num_axes",
    "scale_param": "axis num_axes filler bias_term bias_filler",
    "shuffle_channel_param": "group",
    "sigmoid_param": "engine",
    "slice_param": "axis slice_point slice_dim",
    "softmax_param": "engine axis",
    "swish_param": "beta",
    "tanh_param": "engine",
    "threshold_param": "threshold",
    "transform_param": "scale mirror crop_size mean_file mean_value force_color force_gray",
    "upsample_param": "scale scale_h scale_w upsample_h upsample_w pad_out_h pad_out_w",
    "window_data_param": f"source scale mean_file {_SAMPLES} crop_size mirror fg_threshold bg_threshold fg_fraction "
    "context_pad crop_mode cache_images",
    **dict.fromkeys(("weight_filler", "bias_filler", "filler", "data_filler"), _FILLER),
}
"""The names of the fields of each message; all parameters of layers (`…_param`) are fields of every layer."""

PARAMETERS = tuple(name for name in FIELDS if name.endswith("_param"))
OTHER_PARAMETERS = (
    *("contrastive_loss_param", "embed_param", "hdf5_output_param", "infogain_loss_param", "mvn_param"),
    *("parameter_param", "python_param", "recurrent_param", "spp_param", "tile_param", "normalize_mbox_param"),
)
"""Parameters of layers that netspec does not import, whose fields are not looked at."""


def check_fields(sketch: Sketch, message: Message) -> None:
    """Report fields that a message, or one in it, does not have (NS571)."""
    names = FIELDS[message.name].split()
    if message.name in ("layer", "layers"):
        names += (*PARAMETERS, *OTHER_PARAMETERS)
    for field in message.fields:
        if field.name not in names:
            owner = f"`{message.name}` has" if message.name else "a network has"
            sketch.lost(field.name, f"{owner} no field of this name in Caffe", field.span, suggest(field.name, names))
        elif isinstance(field.value, Message) and field.name in FIELDS and field.name not in ("layer", "layers"):
            check_fields(sketch, field.value)
