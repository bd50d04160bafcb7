"""The losses of torch.nn in float64, with their gradients: python losses.py OUT.npz

Writes CASE/output0 ..., CASE/target0 ..., CASE/value, and CASE/gradient0 ... where the value is a scalar.
"""

import sys

import numpy as np
import torch
from torch import nn

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(11)


def normal(*shape):
    return torch.randn(*shape, generator=generator)


def uniform(*shape):
    return 0.1 + 0.8 * torch.rand(*shape, generator=generator)


def classes(count, *shape):
    return torch.randint(0, count, shape, generator=generator)


def signs(*shape):
    return 2 * classes(2, *shape) - 1


def logp(*shape):
    return normal(*shape).log_softmax(1)


W = torch.tensor([0.5, 1.0, 2.0, 0.25])
ignored = torch.tensor([1, -100, 3, 0, -100])
labels = torch.tensor([[3, 0, -1, 1], [1, 2, 3, 0], [-1, 0, 0, 0]])

CASES = {
    "mse": (nn.MSELoss(), [normal(3, 4)], [normal(3, 4)]),
    "mse none": (nn.MSELoss(reduction="none"), [normal(3, 4)], [normal(3, 4)]),
    "mae sum": (nn.L1Loss(reduction="sum"), [normal(3, 4)], [normal(3, 4)]),
    "huber": (nn.HuberLoss(delta=0.7), [normal(3, 4)], [normal(3, 4)]),
    "smooth l1": (nn.SmoothL1Loss(beta=0.6), [normal(3, 4)], [normal(3, 4)]),
    "poisson": (
        nn.PoissonNLLLoss(full=True),
        [normal(3, 4)],
        [classes(6, 3, 4).double()],
    ),
    "poisson rate": (
        nn.PoissonNLLLoss(log_input=False, eps=1e-6),
        [uniform(3, 4)],
        [classes(6, 3, 4).double()],
    ),
    "gaussian": (
        lambda mean, variance, target: nn.GaussianNLLLoss(full=True, eps=0.3)(
            mean, target, variance
        ),
        [normal(3, 4), uniform(3, 4)],
        [normal(3, 4)],
    ),
    "kl": (nn.KLDivLoss(), [logp(3, 4)], [normal(3, 4).softmax(1)]),
    "kl batch": (
        nn.KLDivLoss(reduction="batchmean", log_target=True),
        [logp(3, 4)],
        [logp(3, 4)],
    ),
    "cross entropy": (nn.CrossEntropyLoss(), [normal(5, 4)], [classes(4, 5)]),
    "cross entropy weighted": (
        nn.CrossEntropyLoss(weight=W, ignore_index=-100, label_smoothing=0.2),
        [normal(5, 4)],
        [ignored],
    ),
    "cross entropy none": (
        nn.CrossEntropyLoss(weight=W, reduction="none"),
        [normal(5, 4)],
        [ignored],
    ),
    "cross entropy sum": (
        nn.CrossEntropyLoss(reduction="sum"),
        [normal(2, 4, 3)],
        [classes(4, 2, 3)],
    ),
    "cross entropy soft": (
        nn.CrossEntropyLoss(weight=W, label_smoothing=0.1),
        [normal(5, 4)],
        [normal(5, 4).softmax(1)],
    ),
    "cross entropy last": (
        lambda x, y: nn.CrossEntropyLoss()(x.transpose(1, 2), y),
        [normal(2, 3, 4)],
        [classes(4, 2, 3)],
    ),
    "nll": (nn.NLLLoss(weight=W, ignore_index=2), [logp(5, 4)], [classes(4, 5)]),
    "bce": (nn.BCELoss(weight=W), [uniform(3, 4)], [uniform(3, 4)]),
    "bce logits": (
        nn.BCEWithLogitsLoss(weight=W, pos_weight=2 * W),
        [normal(3, 4)],
        [uniform(3, 4)],
    ),
    "multilabel soft margin": (
        nn.MultiLabelSoftMarginLoss(weight=W),
        [normal(3, 4)],
        [classes(2, 3, 4).double()],
    ),
    "multilabel margin": (nn.MultiLabelMarginLoss(), [normal(3, 4)], [labels]),
    "multi margin": (nn.MultiMarginLoss(margin=0.8), [normal(5, 4)], [classes(4, 5)]),
    "multi margin squared": (
        nn.MultiMarginLoss(p=2, weight=W, reduction="sum"),
        [normal(5, 4)],
        [classes(4, 5)],
    ),
    "margin ranking": (
        nn.MarginRankingLoss(margin=0.3),
        [normal(6), normal(6)],
        [signs(6)],
    ),
    "hinge embedding": (nn.HingeEmbeddingLoss(margin=0.9), [normal(6)], [signs(6)]),
    "soft margin": (nn.SoftMarginLoss(), [normal(3, 4)], [signs(3, 4)]),
    "cosine embedding": (
        nn.CosineEmbeddingLoss(margin=0.1),
        [normal(6, 5), normal(6, 5)],
        [signs(6)],
    ),
    "triplet": (
        nn.TripletMarginLoss(margin=0.8, swap=True),
        [normal(6, 5), normal(6, 5), normal(6, 5)],
        [],
    ),
    "triplet distance": (
        nn.TripletMarginWithDistanceLoss(
            distance_function=lambda a, b: (a - b).abs().sum(1), margin=2.0
        ),
        [normal(6, 5), normal(6, 5), normal(6, 5)],
        [],
    ),
    "ctc": (
        lambda scores, *targets: nn.CTCLoss()(scores.log_softmax(2), *targets),
        [normal(7, 2, 4)],
        [
            torch.tensor([[1, 2, 2], [3, 1, 0]]),
            torch.tensor([7, 6]),
            torch.tensor([3, 2]),
        ],
    ),
}

arrays = {}
for name, (loss, outputs, targets) in CASES.items():
    outputs = [output.clone().requires_grad_() for output in outputs]
    value = loss(*outputs, *targets)
    arrays[f"{name}/value"] = value.detach().numpy()
    if value.ndim == 0:
        for index, gradient in enumerate(torch.autograd.grad(value, outputs)):
            arrays[f"{name}/gradient{index}"] = gradient.numpy()
    for index, output in enumerate(outputs):
        arrays[f"{name}/output{index}"] = output.detach().numpy()
    for index, target in enumerate(targets):
        arrays[f"{name}/target{index}"] = target.numpy()
np.savez(sys.argv[1], **arrays)
