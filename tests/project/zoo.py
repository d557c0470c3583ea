"""What is known of the classic networks under specs/: counts that were published or worked out by hand, and shapes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Net:
    """What is known of a network: trained weights, running statistics, multiply-adds, shapes, and who says so."""

    parameters: int
    source: str
    state: int = 0
    macs: int | None = None
    shapes: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=lambda: {"output": "1000"})


TORCHVISION = "torchvision"


def dense(before: int, units: int) -> int:
    """The weights of a dense layer, with biases."""
    return before * units + units


def lstm(before: int, units: int) -> int:
    """The weights of an LSTM: four gates, each a dense layer on the step and the last state together."""
    return 4 * dense(before + units, units)


ZOO = {
    "lenet5": Net(
        # 5*5*1*6 + 6 = 156, 5*5*6*16 + 16 = 2416, 5*5*16*120 + 120 = 48120, 120*84 + 84 = 10164, 84*10 + 10 = 850
        156 + 2416 + 48120 + 10164 + 850,
        "LeCun et al. 1998; the full third layer has 2,416 weights where the paper's table leaves 1,516",
        macs=28 * 28 * 150 + 10 * 10 * 2400 + 48000 + 10080 + 840,
        shapes={"maps": "1x1x120"},
        outputs={"output": "10"},
    ),
    "alexnet": Net(61_100_840, TORCHVISION, macs=714_188_480, shapes={"features": "6x6x256"}),
    "alexnet_grouped": Net(60_965_224, "Caffe's bvlc_alexnet", shapes={"features": "6x6x256"}),
    "vgg16": Net(138_357_544, TORCHVISION, macs=15_470_264_320, shapes={"features": "7x7x512"}),
    "vgg19": Net(143_667_240, TORCHVISION, macs=19_632_062_464, shapes={"features": "7x7x512"}),
    "vgg16_bn": Net(138_365_992, TORCHVISION, state=8448, macs=15_470_264_320, shapes={"features": "7x7x512"}),
    "googlenet": Net(6_998_552, "Caffe's bvlc_googlenet without its auxiliary heads", shapes={"features": "7x7x1024"}),
    "googlenet_aux": Net(
        # each head: a 1x1 convolution to 128, dense 4*4*128 -> 1024, dense 1024 -> 1000
        6_998_552 + (512 * 128 + 128) + (528 * 128 + 128) + 2 * (2048 * 1024 + 1024) + 2 * (1024 * 1000 + 1000),
        "Caffe's bvlc_googlenet",
        shapes={"early": "14x14x512", "middle": "14x14x528", "late": "7x7x1024"},
        outputs={"label": "1000", "label_early": "1000", "label_middle": "1000"},
    ),
    "resnet18": Net(11_689_512, TORCHVISION, 9_600, 1_814_073_344, {"features": "7x7x512"}),
    "resnet34": Net(21_797_672, TORCHVISION, 17_024, 3_663_761_408, {"features": "7x7x512"}),
    "resnet50": Net(25_557_032, TORCHVISION, 53_120, 4_089_184_256, {"features": "7x7x2048"}),
    "resnet101": Net(44_549_160, TORCHVISION, 105_344, 7_801_405_440, {"features": "7x7x2048"}),
    "resnet152": Net(60_192_808, TORCHVISION, 151_424, 11_513_626_624, {"features": "7x7x2048"}),
    "resnet20_cifar": Net(
        # Kernels of 3x3: 3*16, then six of 16*16, one of 16*32, five of 32*32, one of 32*64, five of 64*64: 267,696.
        # Two numbers for each channel of each of the 19 norms, seven of 16, six of 32, six of 64: 1,376.
        # The last layer has 64*10 + 10: 650.
        9 * (3 * 16 + 6 * 16 * 16 + 16 * 32 + 5 * 32 * 32 + 32 * 64 + 5 * 64 * 64)
        + 2 * (7 * 16 + 6 * 32 + 6 * 64)
        + 650,
        "by hand: 269,722; He et al. say 0.27 M",
        state=2 * (7 * 16 + 6 * 32 + 6 * 64),
        macs=40_551_040,
        shapes={"features": "8x8x64"},
        outputs={"output": "10"},
    ),
    "unet": Net(
        31_030_658,
        "the caffemodel of Ronneberger et al.",
        shapes={"maps": "388x388x64"},
        outputs={"output": "388x388x2"},
    ),
    "keras_mnist_convnet": Net(
        34_826,
        "keras.io/examples/vision/mnist_convnet",
        shapes={"features": "5x5x64"},
        outputs={"output": "10"},
    ),
    "keras_cifar10": Net(
        1_250_858,
        "keras 2, examples/cifar10_cnn.py",
        shapes={"features": "6x6x64"},
        outputs={"output": "10"},
    ),
    "mobilenet_v2": Net(3_504_872, TORCHVISION, state=34_112, macs=300_774_272, shapes={"features": "7x7x1280"}),
    "densenet121": Net(7_978_856, TORCHVISION, 83_648, 2_834_161_664, {"features": "7x7x1024"}),
    "autoencoder": Net(
        # dense a -> b has a*b + b weights; up and down differ only in their biases
        2 * (784 * 1000 + 1000 * 500 + 500 * 250 + 250 * 30) + (1000 + 500 + 250 + 30) + (250 + 500 + 1000 + 784),
        "by hand",
        shapes={"code": "30"},
        outputs={"output": "28x28x1"},
    ),
    "siamese": Net(
        # the tower once, though it looks at two images; then one weight for each of its 4096 numbers
        (100 * 64 + 64)
        + (49 * 64 * 128 + 128)
        + (16 * 128 * 128 + 128)
        + (16 * 128 * 256 + 256)
        + (9216 * 4096 + 4096)
        + 4097,
        "by hand: 38,951,745, as reimplementations of Koch et al. report",
        shapes={"distance": "4096"},
        outputs={"output": "1"},
    ),
    "multitask": Net(
        (9 * 16 + 16) + (9 * 16 * 32 + 32) + (7 * 7 * 32 * 128 + 128) + (128 * 10 + 10) + (128 + 1),
        "by hand",
        shapes={"trunk": "128"},
        outputs={"digit": "10", "is_even": "1"},
    ),
    "embedding_mlp": Net(6 * 2 + 2 * 6 + 6, "by hand", shapes={"point": "2"}, outputs={"output": "6"}),
    "transformer": Net(
        # Four projections of 512 -> 512 for each attention, 1,050,624; 512 -> 2048 -> 512, 2,099,712; 2*512 for a norm.
        # An encoder layer has one attention and two norms, 3,152,384; a decoder layer two and three, 4,204,032.
        6 * (4 * dense(512, 512) + dense(512, 2048) + dense(2048, 512) + 2 * 1024)
        + 6 * (8 * dense(512, 512) + dense(512, 2048) + dense(2048, 512) + 3 * 1024)
        + 2 * 1024,
        "torch.nn.Transformer with its defaults",
        shapes={"memory": "Sx512", "answer": "Tx512"},
        outputs={"output": "Tx512"},
    ),
    "bert_base": Net(
        # Tables of 30,522 ids, 2 segments and 512 positions, with a norm: 23,837,184; twelve layers of 7,087,872;
        # the pooler: 590,592.
        (30522 + 2 + 512) * 768
        + 2 * 768
        + 12 * (4 * dense(768, 768) + dense(768, 3072) + dense(3072, 768) + 2 * 2 * 768)
        + dense(768, 768),
        "BertModel of Hugging Face's transformers: 109,482,240; Devlin et al. say 110 M",
        shapes={"sequence": "512x768", "pooled": "768"},
        outputs={"output": "768"},
    ),
    "imdb_bilstm": Net(
        # A table of 2,560,000; four LSTMs of 49,408, each of which sees 128 numbers and its own 64; 129.
        20_000 * 128 + 2 * lstm(128, 64) + 2 * lstm(128, 64) + dense(128, 1),
        "keras.io/examples/nlp/bidirectional_lstm_imdb: 2,757,761",
        shapes={"steps": "200x128", "summary": "128"},
        outputs={"output": "1"},
    ),
    "char_lstm": Net(
        # 4,160 + 328,704 + 525,312 + 16,705
        65 * 64 + lstm(64, 256) + lstm(256, 256) + dense(256, 65),
        "by hand: 874,881",
        shapes={"states": "128x256"},
        outputs={"output": "128x65"},
    ),
    "char_transformer": Net(
        # A table that is the last layer too, 8,320; positions, 16,384; four layers of 198,272; a norm.
        65 * 128 + 128 * 128 + 4 * (4 * dense(128, 128) + dense(128, 512) + dense(512, 128) + 2 * 2 * 128) + 2 * 128,
        "by hand: 818,048",
        shapes={"states": "128x128"},
        outputs={"output": "128x65"},
    ),
}
