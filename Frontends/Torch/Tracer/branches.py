"""Run the branches and loops of PyTorch's control flow operators as Python does, one operation at a time.

Loaded as `graft_torch_branches`, after `graft_torch_draws`.

Outside of a trace PyTorch compiles them, which does not work among the modes that verification runs a program in.
"""

import contextlib
import importlib
from unittest import mock

import torch
from torch.utils import _pytree as pytree


def run_cond(self, predicate, true_branch, false_branch, operands=()):
    return (true_branch if bool(predicate) else false_branch)(*operands)


def run_while_loop(self, test, body, state, captured=()):
    while bool(test(*state, *captured)):
        state = body(*state, *captured)
    return state


def run_scan(self, step, state, sequences, additional_inputs=()):
    """The last state, and what the steps collect along a new first axis."""
    collected = []
    for element in zip(*(sequence.unbind(0) for sequence in sequences)):
        last, item = step(*state, *element, *additional_inputs)
        state = pytree.tree_leaves(last)
        collected.append(item)
    return last, pytree.tree_map(lambda *items: torch.stack(items), *collected)


OPERATORS = (
    ("cond", "CondOp", run_cond),
    ("while_loop", "WhileLoopOp", run_while_loop),
    ("scan", "ScanOp", run_scan),
)


@contextlib.contextmanager
def interpreted_branches():
    """Run control flow operators by the functions above."""
    package = "torch._higher_order_ops"
    with contextlib.ExitStack() as stack:
        utilities = importlib.import_module(f"{package}.utils")
        if hasattr(utilities, "_hop_compile_and_call"):
            stack.enter_context(
                mock.patch.object(utilities, "_hop_compile_and_call", call)
            )
        for module, name, function in OPERATORS:
            operator = getattr(importlib.import_module(f"{package}.{module}"), name)
            stack.enter_context(mock.patch.object(operator, "__call__", function))
        yield


def call(function, arguments, keywords=None):
    return function(*arguments, **(keywords or {}))
