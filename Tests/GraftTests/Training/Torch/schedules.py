"""The learning rates of torch's schedules over 60 steps, from a learning rate of 1: python schedules.py OUT.npz"""

import sys

import numpy as np
import torch
from torch.optim import lr_scheduler

STEPS = 60


def rates(make):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer)
    values = []
    for _ in range(STEPS):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return np.array(values)


def plateau(losses):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.3, patience=2, cooldown=3, min_lr=0.01
    )
    values = []
    for loss in losses:
        values.append(optimizer.param_groups[0]["lr"])
        schedule.step(loss)
    return np.array(values)


def cosine(optimizer):
    rise = lr_scheduler.LinearLR(optimizer, 1 / 10, 1, total_iters=9)
    fall = lr_scheduler.CosineAnnealingLR(optimizer, 50, eta_min=0.05)
    return lr_scheduler.SequentialLR(optimizer, [rise, fall], milestones=[10])


losses = np.abs(np.sin(np.arange(STEPS) * 1.7)) + 3 / (1 + np.arange(STEPS))
np.savez(
    sys.argv[1],
    constant=rates(lambda o: lr_scheduler.LambdaLR(o, lambda _: 1.0)),
    step=rates(lambda o: lr_scheduler.StepLR(o, 7, gamma=0.5)),
    exponential=rates(lambda o: lr_scheduler.ExponentialLR(o, 0.93)),
    linear=rates(lambda o: lr_scheduler.LinearLR(o, 0.2, 0.8, total_iters=23)),
    cosine=rates(cosine),
    one_cycle=rates(
        lambda o: lr_scheduler.OneCycleLR(
            o, max_lr=1.0, total_steps=STEPS + 1, cycle_momentum=False
        )
    ),
    plateau=plateau(losses),
    losses=losses,
)
