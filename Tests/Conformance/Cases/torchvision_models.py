"""torchvision's models, with random weights, small images and ten classes."""

from cases import CaseList
from torchvision import models

CASES = CaseList(globals(), factories=True)
IMAGES = "x=f32[N,3,64,64]"


def add(name, factory, images=IMAGES, **options):
    CASES.add(name, factory, images, **options)


add("resnet18", lambda: models.resnet18(num_classes=10), repeat=True, vmap=True)
add("resnet50", lambda: models.resnet50(num_classes=10))
add("mobilenet_v2", lambda: models.mobilenet_v2(num_classes=10))
add("efficientnet_b0", lambda: models.efficientnet_b0(num_classes=10))
add("convnext_tiny", lambda: models.convnext_tiny(num_classes=10))
# Without XLA's optimiser the products of attention take longer than it does.
add(
    "vit_b_16",
    lambda: models.vit_b_16(num_classes=10),
    "x=f32[N,3,224,224]",
    optimised=True,
)
add("swin_t", lambda: models.swin_t(num_classes=10), optimised=True)
add("densenet121", lambda: models.densenet121(num_classes=10))
add(
    "deeplabv3_resnet50",
    lambda: models.segmentation.deeplabv3_resnet50(
        weights_backbone=None, num_classes=5, aux_loss=True
    ),
)
add(
    "vit_scan",
    lambda: models.VisionTransformer(
        image_size=32,
        patch_size=8,
        num_layers=11,
        num_heads=2,
        hidden_dim=16,
        mlp_dim=32,
        dropout=0.1,
    ),
    "x=f32[N,3,32,32]",
    scan=True,
)
