"""Layers of torch.nn: recurrent, attention, embedding, every activation, loss, pooling and normalisation."""

from functools import partial

import torch
from cases import CaseList
from torch import nn

CASES = CaseList(globals(), factories=True)


def each(suffix, rows):
    """One case per row: name, factory, and the inputs."""
    for name, factory, *inputs in rows:
        CASES.add(f"{name}_{suffix}" if suffix else name, factory, *inputs)


# Recurrent layers.
SEQUENCE = "input=f32[T,N,5]"
CASES.add("lstm", lambda: nn.LSTM(5, 6, 2, bidirectional=True), SEQUENCE, repeat=True)
CASES.add(
    "lstm_initial_state",
    lambda: nn.LSTM(5, 6, batch_first=True, dropout=0.2, num_layers=2),
    lambda: (
        torch.randn(2, 7, 5),
        (torch.randn(2, 2, 6), torch.randn(2, 2, 6)),
    ),
    dynamic=("input=N,T,5", "hx.0=2,N,6", "hx.1=2,N,6"),
)
CASES.add("lstm_projection", lambda: nn.LSTM(5, 6, proj_size=3), SEQUENCE)
CASES.add("gru", lambda: nn.GRU(5, 6, 2, bidirectional=True), SEQUENCE)
CASES.add("rnn_tanh", lambda: nn.RNN(5, 6, 2), SEQUENCE)
CASES.add("rnn_relu", lambda: nn.RNN(5, 6, nonlinearity="relu"), SEQUENCE)
CASES.add("rnn_cell", lambda: nn.RNNCell(5, 6), "input=f32[N,5]")
CASES.add(
    "rnn_cell_relu", lambda: nn.RNNCell(5, 6, nonlinearity="relu"), "input=f32[N,5]"
)
CASES.add("lstm_cell", lambda: nn.LSTMCell(5, 6), "input=f32[N,5]")
CASES.add("gru_cell", lambda: nn.GRUCell(5, 6), "input=f32[N,5]")


# Attention.
def attention_inputs():
    key = torch.randn(2, 7, 8)
    padding = torch.tensor([[False] * 7, [False] * 4 + [True] * 3])
    causal = torch.ones(5, 7).tril().logical_not()
    return {
        "query": torch.randn(2, 5, 8),
        "key": key,
        "value": torch.randn(2, 7, 8),
        "key_padding_mask": padding,
        "attn_mask": causal,
    }


CASES.add(
    "multihead_attention",
    lambda: nn.MultiheadAttention(8, 2, dropout=0.1, batch_first=True),
    attention_inputs,
    dynamic=("query=N,5,8", "key=N,7,8", "value=N,7,8", "key_padding_mask=N,7"),
    vmap=True,
)
CASES.add(
    "transformer",
    lambda: nn.Transformer(16, 2, 2, 2, 32),
    "src=f32[S,N,16]",
    "tgt=f32[T,N,16]",
)


def transformer_inputs():
    """Source and target with their masks: the target's causal, the others such that every query sees a key."""
    causal = nn.Transformer.generate_square_subsequent_mask(5)
    window = torch.ones(7, 7).tril(2).triu(-2).logical_not()
    padding = torch.tensor([[False] * 7, [False] * 4 + [True] * 3])
    return {
        "src": torch.randn(2, 7, 16),
        "tgt": torch.randn(2, 5, 16),
        "src_mask": window,
        "tgt_mask": causal,
        "memory_mask": torch.randn(5, 7),
        "src_key_padding_mask": padding,
        "memory_key_padding_mask": padding,
    }


CASES.add(
    "transformer_masks",
    lambda: nn.Transformer(16, 2, 1, 1, 32, batch_first=True, norm_first=True),
    transformer_inputs,
    dynamic=(
        "src=N,7,16",
        "tgt=N,5,16",
        "src_key_padding_mask=N,7",
        "memory_key_padding_mask=N,7",
    ),
)


class CausalEncoder(nn.Module):
    """An encoder, or a layer of one, that makes its causal mask itself and says so or not."""

    def __init__(self, layer, hint):
        super().__init__()
        self.layer = layer
        self.hint = hint

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.layer(x, mask, is_causal=self.hint)


class CausalDecoder(CausalEncoder):
    """A decoder, likewise."""

    def forward(self, x, memory):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.layer(x, memory, tgt_mask=mask, tgt_is_causal=self.hint)


def decoder_layer(**options):
    return nn.TransformerDecoderLayer(16, 2, 32, batch_first=True, **options)


def encoder_layer(**options):
    return nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, **options)


DECODED = ("x=f32[N,T,16]", "memory=f32[N,S,16]")
each(
    None,
    [
        (
            "transformer_decoder",
            lambda: nn.TransformerDecoder(decoder_layer(), 2, nn.LayerNorm(16)),
            "tgt=f32[N,T,16]",
            "memory=f32[N,S,16]",
        ),
        (
            "transformer_decoder_layer",
            lambda: decoder_layer(activation="gelu", norm_first=True),
            "tgt=f32[N,T,16]",
            "memory=f32[N,S,16]",
        ),
        (
            "transformer_decoder_mask",
            lambda: nn.TransformerDecoder(decoder_layer(), 1),
            lambda: {
                "tgt": torch.randn(2, 5, 16),
                "memory": torch.randn(2, 7, 16),
                "tgt_mask": nn.Transformer.generate_square_subsequent_mask(5),
            },
        ),
        (
            "transformer_encoder_causal",
            lambda: CausalEncoder(
                nn.TransformerEncoder(encoder_layer(), 1, enable_nested_tensor=False),
                None,
            ),
            "x=f32[N,T,16]",
        ),
        (
            "transformer_encoder_layer_causal",
            lambda: CausalEncoder(encoder_layer(), True),
            "x=f32[N,T,16]",
        ),
        (
            "transformer_decoder_causal",
            lambda: CausalDecoder(nn.TransformerDecoder(decoder_layer(), 2), None),
            *DECODED,
        ),
        (
            "transformer_decoder_causal_hint",
            lambda: CausalDecoder(nn.TransformerDecoder(decoder_layer(), 1), True),
            *DECODED,
        ),
    ],
)
CASES.add(
    "transformer_encoder",
    lambda: nn.TransformerEncoder(
        nn.TransformerEncoderLayer(
            16, 2, 32, activation="gelu", batch_first=True, norm_first=True
        ),
        3,
        enable_nested_tensor=False,
    ),
    "src=f32[N,T,16]",
    repeat=True,
)

# Embeddings.
CASES.add("embedding", lambda: nn.Embedding(9, 4, 0), "input=i64[N,T]:0..9")
for mode in ("sum", "mean", "max"):
    CASES.add(
        f"embedding_bag_{mode}",
        lambda mode=mode: nn.EmbeddingBag(9, 4, mode=mode),
        "input=i64[N,5]:0..9",
    )
CASES.add(
    "embedding_bag_offsets",
    lambda: nn.EmbeddingBag(9, 4, mode="sum"),
    lambda: (torch.tensor([1, 2, 4, 5, 4, 3]), torch.tensor([0, 2, 2])),
)
CASES.add(
    "embedding_bag_weighted",
    lambda: nn.EmbeddingBag(9, 4, mode="sum"),
    lambda: {
        "input": torch.randint(0, 9, (3, 5)),
        "per_sample_weights": torch.rand(3, 5),
    },
)

# Linear, convolution and others.
CASES.add("linear", lambda: nn.Linear(4, 5), "input=f32[N,4]", vmap=True)
CASES.add("bilinear", lambda: nn.Bilinear(3, 4, 5), "f32[N,3]", "f32[N,4]")
for rank, size in ((1, "9"), (2, "9,8"), (3, "5,6,7")):
    CASES.add(
        f"conv{rank}d",
        lambda rank=rank: getattr(nn, f"Conv{rank}d")(
            4, 6, 3, stride=2, padding=1, groups=2
        ),
        f"input=f32[N,4,{size}]",
    )
    CASES.add(
        f"conv_transpose{rank}d",
        lambda rank=rank: getattr(nn, f"ConvTranspose{rank}d")(
            4, 6, 3, stride=2, padding=1, output_padding=1, groups=2
        ),
        f"input=f32[N,4,{size}]",
    )
CASES.add(
    "conv2d_same_dilated",
    lambda: nn.Conv2d(3, 4, 3, padding="same", dilation=2, padding_mode="reflect"),
    "input=f32[N,3,H,W]",
)
each(
    None,
    [
        ("pixel_shuffle", lambda: nn.PixelShuffle(2), "input=f32[N,8,3,4]"),
        ("pixel_unshuffle", lambda: nn.PixelUnshuffle(2), "input=f32[N,2,4,6]"),
        ("channel_shuffle", lambda: nn.ChannelShuffle(2), "input=f32[N,4,3,3]"),
        (
            "upsample_nearest",
            lambda: nn.Upsample(scale_factor=2),
            "input=f32[N,2,H,W]",
        ),
        (
            "upsample_bicubic",
            lambda: nn.Upsample((7, 9), mode="bicubic"),
            "input=f32[N,2,4,5]",
        ),
        ("unfold", lambda: nn.Unfold(2, stride=2), "input=f32[N,3,6,4]"),
        ("fold", lambda: nn.Fold((6, 4), 2, stride=2), "input=f32[N,12,6]"),
        ("dropout", lambda: nn.Dropout(0.3), "input=f32[N,8]"),
        ("dropout1d", lambda: nn.Dropout1d(0.3), "input=f32[N,6,4]"),
        ("dropout3d", lambda: nn.Dropout3d(0.3), "input=f32[N,6,2,3,4]"),
        ("dropout2d", lambda: nn.Dropout2d(0.3), "input=f32[N,6,3,4]"),
        ("alpha_dropout", lambda: nn.AlphaDropout(0.3), "input=f32[N,8]"),
        (
            "feature_alpha_dropout",
            lambda: nn.FeatureAlphaDropout(0.3),
            "input=f32[N,6,3,4]",
        ),
        ("cosine_similarity", lambda: nn.CosineSimilarity(), "f32[N,5]", "f32[N,5]"),
        (
            "pairwise_distance",
            lambda: nn.PairwiseDistance(),
            "f32[N,5]",
            "f32[N,5]",
        ),
        (
            "upsampling_nearest2d",
            lambda: nn.UpsamplingNearest2d((7, 9)),
            "input=f32[N,2,4,5]",
        ),
        (
            "upsampling_bilinear2d",
            lambda: nn.UpsamplingBilinear2d(scale_factor=2),
            "input=f32[N,2,4,5]",
        ),
        ("identity", lambda: nn.Identity(), "input=f32[N,8]"),
        ("flatten", lambda: nn.Flatten(), "input=f32[N,2,3,4]"),
        ("unflatten", lambda: nn.Unflatten(1, (2, 3)), "input=f32[N,6,4]"),
    ],
)

# Every padding.
for rank, size in ((1, "5"), (2, "4,5"), (3, "4,5,3")):
    images = f"input=f32[N,2,{size}]"
    sides = tuple(1 + k % 2 for k in range(2 * rank))
    each(
        None,
        [
            (
                f"{name}_pad{rank}d",
                partial(getattr(nn, f"{module}{rank}d"), sides),
                images,
            )
            for name, module in (
                ("reflection", "ReflectionPad"),
                ("replication", "ReplicationPad"),
                ("circular", "CircularPad"),
                ("zero", "ZeroPad"),
            )
        ]
        + [
            (
                f"constant_pad{rank}d",
                partial(getattr(nn, f"ConstantPad{rank}d"), sides, 1.5),
                images,
            )
        ],
    )

# Every activation.
POINTS = "input=f32[N,8]:-7..7"
# XLA's tanh is less exact without its optimiser.
CASES.add(
    "gelu_tanh_activation",
    lambda: nn.GELU(approximate="tanh"),
    POINTS,
    optimised=True,
)
each(
    "activation",
    [
        (name, getattr(nn, module), POINTS)
        for name, module in (
            ("elu", "ELU"),
            ("celu", "CELU"),
            ("selu", "SELU"),
            ("gelu", "GELU"),
            ("hardshrink", "Hardshrink"),
            ("hardsigmoid", "Hardsigmoid"),
            ("hardswish", "Hardswish"),
            ("hardtanh", "Hardtanh"),
            ("leaky_relu", "LeakyReLU"),
            ("logsigmoid", "LogSigmoid"),
            ("mish", "Mish"),
            ("prelu", "PReLU"),
            ("relu", "ReLU"),
            ("relu6", "ReLU6"),
            ("rrelu", "RReLU"),
            ("sigmoid", "Sigmoid"),
            ("silu", "SiLU"),
            ("softplus", "Softplus"),
            ("softshrink", "Softshrink"),
            ("softsign", "Softsign"),
            ("tanh", "Tanh"),
            ("tanhshrink", "Tanhshrink"),
            ("glu", "GLU"),
        )
    ]
    + [
        ("threshold", lambda: nn.Threshold(0.1, 20.0), POINTS),
        ("softmin", lambda: nn.Softmin(dim=1), POINTS),
        ("softmax", lambda: nn.Softmax(dim=1), POINTS),
        ("log_softmax", lambda: nn.LogSoftmax(dim=1), POINTS),
        ("softmax2d", lambda: nn.Softmax2d(), "input=f32[N,3,4,5]"),
    ],
)

# Every loss.
VALUES = "input=f32[N,5]"
OTHERS = "target=f32[N,5]"
UNIT = ("input=f32[N,5]:0.05..0.95", "target=f32[N,5]:0..1")
CLASSES = "target=i64[N]:0..5"
SIGNS = torch.tensor([1.0, -1.0])


def ctc_inputs():
    return (
        torch.randn(9, 2, 5).log_softmax(2),
        torch.randint(1, 5, (2, 4)),
        torch.tensor([9, 8]),
        torch.tensor([4, 3]),
    )


each(
    "loss",
    [
        ("l1", lambda: nn.L1Loss(), VALUES, OTHERS),
        ("mse", lambda: nn.MSELoss(), VALUES, OTHERS),
        ("huber", lambda: nn.HuberLoss(delta=0.7), VALUES, OTHERS),
        ("smooth_l1", lambda: nn.SmoothL1Loss(beta=0.5), VALUES, OTHERS),
        (
            "cross_entropy",
            lambda: nn.CrossEntropyLoss(
                weight=torch.tensor([1.0, 2.0, 0.5, 1.5, 0.7]),
                label_smoothing=0.1,
                ignore_index=3,
            ),
            VALUES,
            CLASSES,
        ),
        (
            "cross_entropy_probabilities",
            lambda: nn.CrossEntropyLoss(),
            VALUES,
            "target=f32[N,5]:0..1",
        ),
        (
            "cross_entropy_images",
            lambda: nn.CrossEntropyLoss(reduction="none"),
            "input=f32[N,5,3,4]",
            "target=i64[N,3,4]:0..5",
        ),
        (
            "linear_cross_entropy",
            lambda: nn.LinearCrossEntropyLoss(6, 5, bias=True, label_smoothing=0.1),
            "input=f32[N,6]",
            CLASSES,
        ),
        ("nll", lambda: nn.NLLLoss(), VALUES, CLASSES),
        (
            "nll_images",
            lambda: nn.NLLLoss(weight=torch.rand(5)),
            "input=f32[N,5,3,4]",
            "target=i64[N,3,4]:0..5",
        ),
        (
            "poisson_nll",
            lambda: nn.PoissonNLLLoss(full=True),
            "log_input=f32[N,5]",
            "target=f32[N,5]:0..4",
        ),
        (
            "gaussian_nll",
            lambda: nn.GaussianNLLLoss(full=True),
            VALUES,
            OTHERS,
            "var=f32[N,5]:0.5..2",
        ),
        ("kl_div", lambda: nn.KLDivLoss(reduction="batchmean"), *UNIT),
        ("bce", lambda: nn.BCELoss(), *UNIT),
        (
            "bce_with_logits",
            lambda: nn.BCEWithLogitsLoss(
                pos_weight=torch.tensor([1.0, 2.0, 0.5, 1.5, 0.7])
            ),
            VALUES,
            "target=f32[N,5]:0..1",
        ),
        (
            "margin_ranking",
            lambda: nn.MarginRankingLoss(margin=0.3),
            lambda: (torch.randn(6), torch.randn(6), SIGNS.repeat(3)),
        ),
        (
            "hinge_embedding",
            lambda: nn.HingeEmbeddingLoss(),
            lambda: (torch.randn(6), SIGNS.repeat(3)),
        ),
        (
            "soft_margin",
            lambda: nn.SoftMarginLoss(),
            lambda: (torch.randn(6), SIGNS.repeat(3)),
        ),
        (
            "cosine_embedding",
            lambda: nn.CosineEmbeddingLoss(margin=0.1),
            lambda: (torch.randn(4, 5), torch.randn(4, 5), SIGNS.repeat(2)),
        ),
        (
            "multilabel_margin",
            lambda: nn.MultiLabelMarginLoss(),
            lambda: (torch.randn(2, 4), torch.tensor([[3, 0, -1, 1], [2, -1, 0, 0]])),
        ),
        (
            "multilabel_soft_margin",
            lambda: nn.MultiLabelSoftMarginLoss(),
            VALUES,
            "target=f32[N,5]:0..1",
        ),
        ("multi_margin", lambda: nn.MultiMarginLoss(p=2), VALUES, CLASSES),
        (
            "triplet_margin",
            lambda: nn.TripletMarginLoss(swap=True),
            "f32[N,5]",
            "f32[N,5]",
            "f32[N,5]",
        ),
        (
            "triplet_margin_with_distance",
            lambda: nn.TripletMarginWithDistanceLoss(
                distance_function=lambda a, b: 1 - nn.functional.cosine_similarity(a, b)
            ),
            "f32[N,5]",
            "f32[N,5]",
            "f32[N,5]",
        ),
        ("ctc", lambda: nn.CTCLoss(), ctc_inputs),
        (
            "adaptive_log_softmax_with",
            lambda: nn.AdaptiveLogSoftmaxWithLoss(6, 10, [3, 7]),
            lambda: (torch.randn(4, 6), torch.tensor([1, 4, 9, 2])),
        ),
    ],
)

# Every pooling layer.
SIZES = {1: "9", 2: "9,8", 3: "6,7,8"}
for rank, size in SIZES.items():
    images = f"input=f32[N,4,{size}]"

    def layer(name, rank=rank):
        return getattr(nn, f"{name}{rank}d")

    each(
        None,
        [
            (
                f"max_pool{rank}d",
                partial(layer("MaxPool"), 3, stride=2, padding=1),
                images,
            ),
            (
                f"max_pool{rank}d_indices",
                partial(layer("MaxPool"), 2, ceil_mode=True, return_indices=True),
                images,
            ),
            (
                f"avg_pool{rank}d",
                partial(
                    layer("AvgPool"),
                    3,
                    stride=2,
                    padding=1,
                    ceil_mode=True,
                    count_include_pad=False,
                ),
                images,
            ),
            (f"lp_pool{rank}d", partial(layer("LPPool"), 2, 2), images),
            (
                f"adaptive_avg_pool{rank}d",
                partial(layer("AdaptiveAvgPool"), 5),
                images,
            ),
            (
                f"adaptive_max_pool{rank}d",
                partial(layer("AdaptiveMaxPool"), 5),
                images,
            ),
        ],
    )


class Unpooling(nn.Module):
    """Max pooling and its partial inverse."""

    def __init__(self, rank):
        super().__init__()
        self.pool = getattr(nn, f"MaxPool{rank}d")(2, return_indices=True)
        self.unpool = getattr(nn, f"MaxUnpool{rank}d")(2)

    def forward(self, input):
        return self.unpool(*self.pool(input))


for rank, size in ((1, "8"), (2, "8,6"), (3, "4,6,8")):
    CASES.add(
        f"max_unpool{rank}d",
        lambda rank=rank: Unpooling(rank),
        f"input=f32[N,3,{size}]",
    )
for rank, size in ((2, "9,8"), (3, "6,7,8")):
    CASES.add(
        f"fractional_max_pool{rank}d",
        lambda rank=rank: getattr(nn, f"FractionalMaxPool{rank}d")(2, output_size=4),
        f"input=f32[N,3,{size}]",
    )
    CASES.add(
        f"fractional_max_pool{rank}d_samples",
        lambda rank=rank: getattr(nn, f"FractionalMaxPool{rank}d")(
            (3, 2, 2)[:rank],
            output_ratio=0.5,
            return_indices=True,
            _random_samples=torch.rand(2, 3, rank),
        ),
        f"input=f32[2,3,{size}]",
    )


class WithoutGradient(nn.Module):
    """A layer through which no gradient flows."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, input):
        with torch.no_grad():
            return self.layer(input)


def after_first_call(layer, shape):
    """A lazy layer once it has seen an input."""
    layer(torch.randn(shape))
    return layer


# Every normalisation layer.
for rank, size in SIZES.items():
    images = f"input=f32[N,4,{size}]"
    each(
        None,
        [
            (
                f"batch_norm{rank}d",
                partial(getattr(nn, f"BatchNorm{rank}d"), 4),
                images,
            ),
            (
                f"instance_norm{rank}d",
                partial(
                    getattr(nn, f"InstanceNorm{rank}d"),
                    4,
                    affine=True,
                    track_running_stats=True,
                ),
                images,
            ),
        ],
    )
IMAGES = "input=f32[N,4,5,6]"
each(
    None,
    [
        (
            "batch_norm_plain",
            lambda: nn.BatchNorm2d(4, affine=False, track_running_stats=False),
            IMAGES,
        ),
        ("batch_norm_momentum", lambda: nn.BatchNorm2d(4, momentum=0.3), IMAGES),
        ("batch_norm_average", lambda: nn.BatchNorm2d(4, momentum=None), IMAGES),
        ("instance_norm_plain", lambda: nn.InstanceNorm2d(4), IMAGES),
        ("group_norm", lambda: nn.GroupNorm(2, 4), IMAGES),
        ("layer_norm", lambda: nn.LayerNorm((5, 6)), IMAGES),
        ("rms_norm", lambda: nn.RMSNorm(6), "x=f32[N,4,5,6]"),
        ("local_response_norm", lambda: nn.LocalResponseNorm(3), IMAGES),
        # PyTorch's backward is written by hand, and takes each window of channels one too early: finite differences of
        # its own forward give another gradient. The two agree where every window, moved so, still holds all channels.
        ("cross_map_lrn", lambda: nn.CrossMapLRN2d(9), IMAGES),
        # Elsewhere only the outputs are compared.
        ("cross_map_lrn_outputs", lambda: WithoutGradient(nn.CrossMapLRN2d(5)), IMAGES),
        (
            "lazy_batch_norm2d",
            lambda: after_first_call(nn.LazyBatchNorm2d(), (2, 4, 5, 6)),
            IMAGES,
        ),
        (
            "lazy_instance_norm2d",
            lambda: after_first_call(nn.LazyInstanceNorm2d(affine=True), (2, 4, 5, 6)),
            IMAGES,
        ),
        (
            "spectral_norm",
            lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 5)),
            "input=f32[N,4]",
        ),
        (
            "weight_norm",
            lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 5)),
            "input=f32[N,4]",
        ),
    ],
)


# Scans over stacked layers.
class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.out = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        y = torch.tanh(self.fc(x))
        return x + self.out(y)


class Stage(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.blocks = nn.ModuleList(Residual() for _ in range(depth))
        self.out = nn.Linear(8, 8)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return torch.relu(self.out(x))


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.out = nn.Linear(8, 8), nn.Linear(8, 8)
        self.dropout = nn.Dropout(0.2)

    def forward(self, x, y):
        u = self.dropout(torch.tanh(self.fc(x))) + y
        v = torch.relu(self.out(u)) + x
        return u, v


class NestedStages(nn.Module):
    """Scans within a scan."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList(Stage(3) for _ in range(4))

    def forward(self, x):
        for stage in self.stages:
            x = stage(x)
        return x


class Pairs(nn.Module):
    """Two carried values, and layers of which the first differs from the others."""

    def __init__(self):
        super().__init__()
        self.pairs = nn.ModuleList(Pair() for _ in range(3))
        self.rest = nn.ModuleList([Stage(2)] + [Residual() for _ in range(4)])

    def forward(self, x):
        y = torch.sin(x)
        for pair in self.pairs:
            x, y = pair(x, y)
        for layer in self.rest:
            x = layer(x)
        return x, y


class ReadElsewhere(nn.Module):
    """Layers that stay a list, as another statement reads one of them."""

    def __init__(self):
        super().__init__()
        self.stage = Stage(3)

    def forward(self, x):
        return self.stage(x) @ self.stage.blocks[1].fc.weight


CASES.add("scan_nested", NestedStages, "x=f32[N,8]", scan=True, vmap=True)
CASES.add("scan_pairs", Pairs, "x=f32[N,8]", scan=True)
CASES.add("scan_refused", ReadElsewhere, "x=f32[N,8]", scan=True)
