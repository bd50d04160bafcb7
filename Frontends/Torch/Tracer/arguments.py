"""Note what the model's modules call the tensors that they are passed.

Loaded as `graft_torch_arguments`, after `graft_torch_replaced`.
"""

import dataclasses
import inspect
import operator

import torch
from torch import fx, nn
from torch.fx.experimental.proxy_tensor import get_proxy_slot

# What torch.export puts before the paths of modules, and the path of the model itself.
WRAPPER = "_export_root."
ROOT = "root"


class Passed:
    """What the modules of a trace are passed, by the names that their `forward` gives it."""

    def __init__(self):
        self._records = []
        self._signatures = {}
        self._inputs = None

    def records(self):
        """(module's path, name, source, part): part number `part` of what the node `source` computes.

        For an input of the whole trace `source` is its number among them, from the end: -1 is the last one.
        """
        for path, name, node in self._records:
            found = self.source(node)
            if found is not None:
                yield path, name, *found

    def source(self, node):
        """(source, part) of a node, as in `records`; None for what is neither computed nor an input."""
        if node in (self._inputs or {}):
            return self._inputs[node], 0
        if node.op != "call_function":
            return None
        return node.args if node.target is operator.getitem else (node, 0)

    def note(self, tracer, module, args, kwargs):
        """Note the tensors of a call that the tracer is about to enter."""
        self.note_inputs(tracer)
        if not is_noted(module):
            return
        try:
            path = tracer.path_of_module(module).removeprefix(WRAPPER)
            bound = self._signature(module).bind(*args, **kwargs)
        except (NameError, TypeError, ValueError):
            return
        # The model's own arguments have their names already.
        if path == ROOT:
            return
        for name, value in bound.arguments.items():
            kind = bound.signature.parameters[name].kind
            if kind is not inspect.Parameter.VAR_POSITIONAL:
                named = kind is not inspect.Parameter.VAR_KEYWORD
                self._note(tracer, path, name if named else None, value)

    def note_inputs(self, tracer):
        """Note the inputs of the trace, which are all there before anything is computed."""
        if self._inputs is None:
            # The parameters and buffers come before the inputs.
            inputs = [n for n in tracer.graph.nodes if n.op == "placeholder"]
            self._inputs = {node: k - len(inputs) for k, node in enumerate(inputs)}

    def _note(self, tracer, path, name, value):
        """Note a tensor, or those that a container has by name; a tuple's or a list's have none."""
        if isinstance(value, torch.Tensor):
            node = node_of(tracer, value)
            if node is not None and name is not None:
                self._records.append((path, name, node))
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(key, str) and key.isidentifier():
                    self._note(tracer, path, key, item)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            for field in dataclasses.fields(value):
                self._note(tracer, path, field.name, getattr(value, field.name, None))
        elif isinstance(value, tuple) and hasattr(value, "_fields"):
            for key, item in zip(value._fields, value):
                self._note(tracer, path, key, item)

    def _signature(self, module):
        forward = type(module).forward
        if forward not in self._signatures:
            signature = inspect.signature(forward)
            parameters = list(signature.parameters.values())[1:]
            self._signatures[forward] = signature.replace(parameters=parameters)
        return self._signatures[forward]


def is_noted(module):
    """Whether the module is the model's own, or one of torch's that calls others; graphs of branches are neither."""
    if isinstance(module, fx.GraphModule):
        return False
    is_torch = type(module).forward.__module__.startswith("torch.nn.modules.")
    return not is_torch or (
        len(module._modules) > 0
        and not isinstance(module, (nn.Sequential, nn.ModuleList, nn.ModuleDict))
    )


def node_of(tracer, tensor):
    """The node of the trace that computes the tensor as it is now; None for one that the trace does not know."""
    slot = get_proxy_slot(tensor, tracer, None)
    return None if slot is None else slot.proxy.node
