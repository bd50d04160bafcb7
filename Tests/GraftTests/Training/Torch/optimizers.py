"""Fifty steps of each of torch's optimisers in float64, on gradients that are given: writes a .npz of what each step leaves.

    python optimizers.py OUT.npz

Arrays are named START.NAME for the parameters before the first step, GRADIENTS.NAME [50, ...] for the gradients of all steps,
and CASE/NAME [50, ...] for the parameter after each step, CASE/SLOT.NAME for the optimiser's state after the last.
"""

import sys

import numpy as np
import torch

STEPS = 50
torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(7)


def draw(*shape):
    return torch.randn(*shape, generator=generator)


START = {"weight": draw(3, 4), "bias": draw(4)}
GRADIENTS = {"weight": draw(STEPS, 3, 4), "bias": 10 * draw(STEPS, 4)}


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of Chen et al., "Symbolic discovery of optimization algorithms", 2023, as it is written there."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(
            params, {"lr": lr, "betas": betas, "weight_decay": weight_decay}
        )

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for parameter in group["params"]:
                state = self.state[parameter]
                m = state.get("exp_avg", torch.zeros_like(parameter))
                c = beta1 * m + (1 - beta1) * parameter.grad
                parameter -= group["lr"] * (
                    c.sign() + group["weight_decay"] * parameter
                )
                state["exp_avg"] = beta2 * m + (1 - beta2) * parameter.grad


CASES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd momentum": lambda p: torch.optim.SGD(
        p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.05
    ),
    "sgd nesterov": lambda p: torch.optim.SGD(
        p, lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.05
    ),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.99), weight_decay=0.1),
    "adam amsgrad": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "adamw amsgrad": lambda p: torch.optim.AdamW(
        p, lr=0.01, weight_decay=0.1, amsgrad=True
    ),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, weight_decay=0.02),
    "rmsprop centered": lambda p: torch.optim.RMSprop(
        p, lr=0.01, alpha=0.9, momentum=0.7, centered=True
    ),
    "adagrad": lambda p: torch.optim.Adagrad(
        p, lr=0.1, lr_decay=0.03, weight_decay=0.02, initial_accumulator_value=0.1
    ),
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=0.5, rho=0.85, weight_decay=0.02),
    "adamax": lambda p: torch.optim.Adamax(p, lr=0.01, weight_decay=0.02),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.01, weight_decay=0.02),
    "radam": lambda p: torch.optim.RAdam(p, lr=0.01, weight_decay=0.02),
    "lion": lambda p: Lion(p, lr=0.01, betas=(0.9, 0.99), weight_decay=0.1),
    "groups": lambda p: torch.optim.AdamW(
        [{"params": p[:1], "lr": 0.05}, {"params": p[1:], "weight_decay": 0}],
        lr=0.01,
        weight_decay=0.1,
    ),
    "clipped norm": lambda p: torch.optim.SGD(p, lr=0.1),
    "clipped value": lambda p: torch.optim.SGD(p, lr=0.1),
    "averaged": lambda p: torch.optim.SGD(p, lr=0.1),
}

arrays = {f"START.{name}": value.numpy().copy() for name, value in START.items()}
arrays |= {f"GRADIENTS.{name}": value.numpy() for name, value in GRADIENTS.items()}
for case, make in CASES.items():
    parameters = {
        name: torch.nn.Parameter(value.clone()) for name, value in START.items()
    }
    averages = {name: value.clone() for name, value in START.items()}
    optimizer = make(list(parameters.values()))
    history = {name: [] for name in parameters}
    for step in range(STEPS):
        for name, parameter in parameters.items():
            parameter.grad = GRADIENTS[name][step].clone()
        if case == "clipped norm":
            torch.nn.utils.clip_grad_norm_(parameters.values(), 2.5)
        if case == "clipped value":
            torch.nn.utils.clip_grad_value_(parameters.values(), 0.5)
        optimizer.step()
        for name, parameter in parameters.items():
            history[name].append(parameter.detach().numpy().copy())
            averages[name] = 0.9 * averages[name] + (1 - 0.9) * parameter.detach()
    for name, parameter in parameters.items():
        arrays[f"{case}/{name}"] = np.stack(history[name])
        if case == "averaged":
            arrays[f"{case}/average.{name}"] = averages[name].numpy()
        for slot, value in optimizer.state[parameter].items():
            if slot != "step" and value is not None:
                arrays[f"{case}/{slot}.{name}"] = np.asarray(value.detach().numpy())
np.savez(sys.argv[1], **arrays)
