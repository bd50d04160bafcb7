"""Say in one sentence why a model could not be traced.

Loaded as `graft_torch_problems`, after `graft_torch_modes`.
"""

import dataclasses
import enum
import re

import torch
from graft_torch_capture import kept_attributes, kept_modes, plain_attention
from graft_torch_entry import GraftError, one_line, user_traceback
from graft_torch_inputs import Leaf, call_arguments, inputs_missing, unflatten

_SPECIALISED = re.compile(
    r"L\['leaves'\]\[(\d+)\]\.size\(\)\[(\d+)\].*?constant \((\d+)\)"
)
PLAIN_OUTPUTS = (
    Leaf,
    bool,
    int,
    float,
    complex,
    str,
    enum.Enum,
    torch.dtype,
    torch.device,
    torch.SymInt,
    torch.SymFloat,
    torch.SymBool,
)
_DATA_DEPENDENT = (
    "GuardOnDataDependentSymNode",
    "DataDependentOutputException",
    "DynamicOutputShapeException",
    "UserError",
)


def explain(entry, inputs, error):
    """The GraftError for an exception of torch.export."""
    if isinstance(error, GraftError):
        return error
    eager = run_eagerly(entry, inputs)
    if eager is not None:
        return eager
    text, where = user_traceback(error)
    place = f" at {where}" if where else ""
    message = str(error)
    fixed = _SPECIALISED.findall(message)
    if fixed:
        return specialised(inputs, fixed, text)
    kinds = {type(error).__name__, type(error.__cause__).__name__}
    if kinds & set(_DATA_DEPENDENT) or "data-dependent" in message:
        return data_dependent(error, text, place)
    return GraftError(
        "export-failed",
        f"PyTorch cannot export {entry.name}: {one_line(error)}{place}",
        "rewrite that line with operations on tensors that torch.export can trace",
        f"{text}\n{message}",
    )


def check_outputs(entry, value, path=""):
    """Raise for an object among the outputs that is no tensor, number or container of them, as it may hold tensors."""
    if value is None or isinstance(value, PLAIN_OUTPUTS):
        return
    items = parts(value)
    if items is None:
        name = (
            f"the output `{path}` of {entry.name}"
            if path
            else f"the output of {entry.name}"
        )
        raise GraftError(
            "output-type",
            f"{name} is a {type(value).__module__}.{type(value).__qualname__}, which cannot be taken apart",
            "return tensors, or tuples, lists, dicts or dataclasses of them",
        )
    for key, item in items:
        check_outputs(entry, item, f"{path}.{key}" if path else str(key))


def check_modes(entry, training, inference):
    """Raise where a module returns other outputs in training than in inference."""
    if structure(training) != structure(inference):
        raise GraftError(
            "modes-differ",
            f"{entry.name} returns {outline(training)} in training, {outline(inference)} in inference",
            "convert what it does in inference: `--mode eval`",
        )


def structure(value):
    """What two results must have in common: their containers' keys, and where tensors are."""
    if isinstance(value, Leaf):
        return value.index
    items = parts(value)
    if items is None:
        return None
    inner = [(str(key), structure(item)) for key, item in items]
    return isinstance(value, (tuple, list)), inner


def parts(value):
    """What a container holds, by key or number; None for anything else."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, (tuple, list)):
        return list(enumerate(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, (type, Leaf)):
        return [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
    return None


def outline(value):
    """A result in a few words."""
    if isinstance(value, Leaf):
        return "a tensor"
    if isinstance(value, (dict, tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"


def specialised(inputs, fixed, text):
    """The error for symbols that the model turned into numbers."""
    found = {}
    for leaf, axis, size in fixed:
        symbol = inputs.symbols.get((int(leaf), int(axis)))
        if symbol is not None:
            found[symbol] = (size, inputs.names[int(leaf)])
    parts = [
        f"{symbol} (in {name}) to {size}"
        for symbol, (size, name) in sorted(found.items())
    ]
    numbers = " and ".join(
        f"{size} instead of {symbol}" for symbol, (size, _) in sorted(found.items())
    )
    return GraftError(
        "dynamic-specialised",
        f"the model fixes the dynamic dimension {', '.join(parts)}: its Python code depends on the size",
        f"give the number: {numbers}",
        user_frames(text),
    )


def data_dependent(error, text, place):
    """The error for control flow or shapes that depend on the values of tensors."""
    operator = re.search(r"aten\.[\w.]+", str(error))
    if (
        type(error).__name__
        in ("DynamicOutputShapeException", "DataDependentOutputException")
        and operator
    ):
        return GraftError(
            "data-dependent",
            f"the size of a result of {operator[0]} depends on the values of tensors{place}",
            "use operations whose sizes follow from the inputs' sizes, such as torch.where or a mask",
            text,
        )
    return GraftError(
        "data-dependent",
        f"the model decides in Python on the values of tensors{place}",
        "use torch.where for a choice by element or torch.cond for a branch, or make the value a constant",
        user_frames(text),
    )


def user_frames(text):
    """The lines of a traceback that show the user's code, without torch's advice about itself."""
    lines = text.splitlines()
    frames = []
    for line in lines:
        if not line.startswith("  "):
            break
        frames.append(line)
    return "\n".join(frames)


def run_eagerly(entry, inputs):
    """The error that the model raises on its example inputs without any tracing, or None."""
    arguments = {
        k: unflatten(v, [x.clone() for x in inputs.leaves])
        for k, v in inputs.arguments.items()
    }
    args, kwargs = call_arguments(entry, arguments)
    module = entry.module if entry.module is not None else torch.nn.Identity()
    buffers = [(b, b.detach().clone()) for b in module.buffers()]
    with (
        kept_modes(module),
        kept_attributes(module),
        plain_attention(),
        torch.no_grad(),
    ):
        module.eval()
        try:
            entry.callable(*args, **kwargs)
            return None
        except GraftError as error:
            return error
        except Exception as error:  # noqa: BLE001 - any error of the user's code is reported
            return forward_raised(entry, inputs, error)
        finally:
            for buffer, saved in buffers:
                buffer.data = saved


def forward_raised(entry, inputs, error):
    """The error for a forward that fails on its inputs: the user's line, torch's message and the inputs' shapes."""
    text, where = user_traceback(error)
    if isinstance(error, TypeError) and "required positional argument" in str(error):
        return inputs_missing(entry, str(error))
    shapes = ", ".join(
        f"{n} {list(x.shape)}" for n, x in zip(inputs.names, inputs.leaves)
    )
    place = f" at {where}" if where else ""
    return GraftError(
        "forward-raised",
        f"{entry.name} fails on its inputs{place}: {one_line(error)}",
        f"the inputs were {shapes}: mend their shapes, or the code"
        if shapes
        else "give it inputs",
        text,
    )
