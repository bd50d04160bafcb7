"""The PyTorch models that the benchmarks convert."""

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, conv1x1


def residual_stack():
    """Four of ResNet's basic blocks, the third with a stride."""
    downsample = nn.Sequential(conv1x1(64, 128, 2), nn.BatchNorm2d(128))
    return nn.Sequential(
        BasicBlock(64, 64),
        BasicBlock(64, 64),
        BasicBlock(64, 128, 2, downsample),
        BasicBlock(128, 128),
    )


def export_resnet18():
    """What a conversion cannot do without: the reference that its time is compared with."""
    from torchvision import models

    model = models.resnet18().eval()
    images = torch.randn(2, 3, 224, 224)
    shapes = {"x": {0: torch.export.Dim.DYNAMIC}}
    torch.export.export(model, (images,), dynamic_shapes=shapes).run_decompositions({})
