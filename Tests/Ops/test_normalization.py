"""Normalisation layers and their functional forms."""

import torch
import torch.nn.functional as F
from harness import case, main
from torch import nn

torch.manual_seed(0)
rows, signal, image, volume = (
    torch.randn(5, 6),
    torch.randn(4, 6, 7),
    torch.randn(3, 6, 5, 4),
    torch.randn(2, 6, 3, 4, 5),
)


def affine(layer):
    """The layer with weights that are not ones and zeros, and statistics that have moved."""
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    for name, buffer in layer.named_buffers():
        if name.endswith("mean"):
            nn.init.normal_(buffer)
        if name.endswith("var"):
            nn.init.uniform_(buffer, 0.5, 2)
    return layer


for name, layer, x in (
    ("1d", nn.BatchNorm1d, rows),
    ("2d", nn.BatchNorm2d, image),
    ("3d", nn.BatchNorm3d, volume),
):
    case(f"batch norm {name} average", affine(layer(6, momentum=None)), x)
    case(
        f"batch norm {name} average, plain",
        layer(6, momentum=None, affine=False, track_running_stats=False),
        x,
    )
# Three batches have been seen.
averaged = affine(nn.BatchNorm2d(6, momentum=None))
averaged.num_batches_tracked.fill_(3)
case("batch norm 2d average, later", averaged, image)
case(
    "batch norm average in a model",
    nn.Sequential(nn.Conv2d(6, 6, 2), averaged, nn.Dropout(0.2), nn.ReLU()),
    image,
)

case("layer norm", affine(nn.LayerNorm(7)), signal)
case("layer norm eps", affine(nn.LayerNorm(7, eps=1e-3)), signal)
case("layer norm two axes", affine(nn.LayerNorm((6, 7))), signal)
case("layer norm no bias", affine(nn.LayerNorm(7, bias=False)), signal)
case("layer norm plain", nn.LayerNorm(7, elementwise_affine=False), signal)
case("layer norm function", F.layer_norm, signal, normalized_shape=(7,))
case(
    "layer norm tensors",
    lambda x, w, b: F.layer_norm(x, (7,), w, b),
    signal,
    torch.randn(7),
    torch.randn(7),
)
case(
    "layer norm inside", nn.Sequential(nn.Linear(7, 7), affine(nn.LayerNorm(7))), signal
)
case("rms norm", affine(nn.RMSNorm(7)), signal)
case("rms norm eps", affine(nn.RMSNorm(7, eps=1e-6)), signal)
case("rms norm two axes", affine(nn.RMSNorm((6, 7), eps=1e-5)), signal)
case("rms norm plain", nn.RMSNorm(7, elementwise_affine=False), signal)
case("group norm", affine(nn.GroupNorm(3, 6)), image)
case("group norm plain", nn.GroupNorm(2, 6, affine=False), image)
case("group norm rows", affine(nn.GroupNorm(3, 6)), rows)
case("group norm volume", affine(nn.GroupNorm(6, 6, eps=1e-3)), volume)
case("group norm function", lambda x, w: F.group_norm(x, 3, w), signal, torch.randn(6))
for rank, x in ((1, signal), (2, image), (3, volume)):
    batch, instance = (
        getattr(nn, f"BatchNorm{rank}d"),
        getattr(nn, f"InstanceNorm{rank}d"),
    )
    case(f"batch norm {rank}d", affine(batch(6)), x)
    case(f"batch norm {rank}d plain", affine(batch(6, affine=False)), x)
    case(f"batch norm {rank}d momentum", affine(batch(6, momentum=0.3, eps=1e-3)), x)
    case(
        f"batch norm {rank}d no statistics",
        affine(batch(6, track_running_stats=False)),
        x,
    )
    case(f"instance norm {rank}d", instance(6), x)
    case(f"instance norm {rank}d affine", affine(instance(6, affine=True)), x)
    case(
        f"instance norm {rank}d statistics",
        affine(instance(6, affine=True, track_running_stats=True)),
        x,
    )
case("batch norm rows", affine(nn.BatchNorm1d(6)), rows)
case(
    "batch norm no statistics rows",
    affine(nn.BatchNorm1d(6, track_running_stats=False)),
    rows,
)
case(
    "batch norm inside",
    nn.Sequential(nn.Conv2d(6, 4, 3), affine(nn.BatchNorm2d(4)), nn.ReLU()),
    image,
)
case(
    "batch norm function",
    lambda x, m, v, w, b: F.batch_norm(x, m, v, w, b),
    image,
    torch.randn(6),
    torch.rand(6) + 0.5,
    torch.randn(6),
    torch.randn(6),
    gradients=False,
)
case(
    "batch norm function batch",
    lambda x: F.batch_norm(x, None, None, training=True),
    image,
)
case("instance norm unbatched", nn.InstanceNorm1d(6), signal[0])
case("instance norm function", F.instance_norm, image, eps=1e-3)
case("local response norm", nn.LocalResponseNorm(3), image)
case("weight norm", nn.utils.parametrizations.weight_norm(nn.Linear(6, 4)), rows)
case(
    "weight norm axis",
    nn.utils.parametrizations.weight_norm(nn.Conv1d(6, 4, 3), dim=1),
    signal,
)
case(
    "weight norm whole",
    nn.utils.parametrizations.weight_norm(nn.Linear(6, 4), dim=None),
    rows,
)
case(
    "spectral norm",
    nn.utils.parametrizations.spectral_norm(nn.Linear(6, 4)),
    rows,
    train=False,
)
case(
    "spectral norm train",
    nn.utils.parametrizations.spectral_norm(nn.Linear(6, 4)),
    rows,
    train=True,
)
case("normalize", F.normalize, rows)

main()
