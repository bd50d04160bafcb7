"""Trace a PyTorch model into the document that Graft imports.

Loaded as `graft_torch_tracer`, after `graft_torch_document`.
"""

import inspect
import json
import sys

import numpy
import torch
from graft_torch_capture import export
from graft_torch_document import GraphWriter, Statements, Symbols, tree
from graft_torch_entry import GraftError, resolve
from graft_torch_inputs import dtype_name, from_factory, from_specs


def trace(request, tensors):
    """Trace an entry. `request` is JSON; the reply is the trace document and the bytes of parameters and constants."""
    request = json.loads(request)
    entry = resolve(request["entry"], request.get("init"), request.get("name"))
    inputs = make_inputs(entry, request)
    entry.inputs = inputs
    document, buffers = trace_entry(entry, inputs)
    return json.dumps(document, allow_nan=False), buffers


def trace_entry(entry, inputs):
    """The trace document and its buffers for an entry and its inputs."""
    captured = export(entry, inputs, train=True)
    graphs = {"both": captured}
    if captured.reads:
        graphs = {"eval": export(entry, inputs, train=False), "train": captured}
    return write_document(entry, inputs, graphs)


def make_inputs(entry, request, attempt=0):
    given = request.get("inputs") or {}
    if given.get("factory"):
        return from_factory(entry, given["factory"], request.get("dynamic"))
    return from_specs(entry, given.get("specs") or [], attempt)


def as_bytes(tensor):
    """The tensor's memory as a uint8 array, without a copy when it is contiguous."""
    tensor = tensor.detach().contiguous().reshape(-1)
    return (
        tensor.view(torch.uint8).numpy()
        if tensor.numel()
        else numpy.zeros(0, numpy.uint8)
    )


def source_of(obj):
    """(file, line) of a class or function, or (None, None)."""
    try:
        code = inspect.unwrap(obj).__code__ if not isinstance(obj, type) else None
        if code is not None:
            return code.co_filename, code.co_firstlineno
        return inspect.getsourcefile(obj), inspect.getsourcelines(obj)[1]
    except (TypeError, OSError, AttributeError):
        return None, None


def qualified(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


def write_document(entry, inputs, graphs):
    module = entry.module
    paths, parameters, buffers_, bytes_ = {}, [], [], {}
    if module is not None:
        parameters = describe_tensors(
            module.named_parameters(remove_duplicate=False), paths
        )
        for item, tensor in parameters:
            bytes_[item["path"]] = as_bytes(tensor)
            item["trainable"] = tensor.requires_grad
        persistent = set(module.state_dict(keep_vars=True))
        buffers_ = describe_tensors(module.named_buffers(remove_duplicate=False), paths)
        for item, tensor in buffers_:
            bytes_[item["path"]] = as_bytes(tensor)
            item["persistent"] = item["path"] in persistent
            item.pop("aliases")
    statements = Statements()
    written, constants, symbols = {}, {}, None
    for mode, captured in graphs.items():
        symbols = bind_symbols(captured, inputs)
        writer = GraphWriter(captured, symbols, paths, statements, inputs.names)
        written[mode] = writer.write()
        for name, tensor in writer.constants.items():
            constants[name] = tensor
    for name, tensor in constants.items():
        bytes_[name] = as_bytes(tensor)
    last = captured
    input_leaves = leaf_descriptions(last, symbols, inputs.names)
    output_tree, output_names = last.result
    document = {
        "format": "graft.trace",
        "version": 1,
        "framework": framework(),
        "entry": describe_entry(entry),
        "symbols": describe_symbols(last, symbols, inputs),
        "modules": describe_modules(module),
        "parameters": [item for item, _ in parameters],
        "buffers": [item for item, _ in buffers_],
        "constants": [
            {"name": n, "dtype": dtype_name(t.dtype), "shape": list(t.shape)}
            for n, t in constants.items()
        ],
        "inputs": {
            "dict": [[name, tree(value)] for name, value in inputs.arguments.items()]
        },
        "outputs": tree(output_tree),
        "input_leaves": input_leaves,
        "graphs": written,
        "output_leaves": output_descriptions(last, symbols, output_names),
    }
    return document, bytes_


def describe_tensors(named, paths):
    found = {}
    for path, tensor in named:
        if id(tensor) in found:
            found[id(tensor)][0]["aliases"].append(path)
        else:
            item = {
                "path": path,
                "dtype": dtype_name(tensor.dtype),
                "shape": list(tensor.shape),
                "aliases": [],
            }
            found[id(tensor)] = (item, tensor)
        paths["root." + path] = found[id(tensor)][0]["path"]
    return list(found.values())


def bind_symbols(captured, inputs):
    symbols = Symbols()
    pending = []
    for leaf, value in enumerate(user_inputs(captured)):
        for axis, size in enumerate(value.shape):
            name = inputs.symbols.get((leaf, axis))
            if name is None:
                continue
            if isinstance(size, int):
                raise GraftError(
                    "dynamic-specialised",
                    f"the model fixes the dynamic dimension {name} to {size}",
                    f"give the number {size} instead of {name}",
                )
            pending.append((name, size.node.expr))
    for name, expression in sorted(pending, key=lambda p: not p[1].is_Symbol):
        symbols.bind(name, expression)
    return symbols


def user_inputs(captured):
    names = [
        s.arg.name
        for s in captured.program.graph_signature.input_specs
        if s.kind.name == "USER_INPUT"
    ]
    nodes = {n.name: n for n in captured.program.graph.nodes if n.op == "placeholder"}
    return [nodes[name].meta["val"] for name in names]


def leaf_descriptions(captured, symbols, names):
    return [
        {
            "name": name,
            "dtype": dtype_name(v.dtype),
            "shape": [symbols.dim(d) for d in v.shape],
        }
        for name, v in zip(names, user_inputs(captured))
    ]


def output_descriptions(captured, symbols, names):
    program = captured.program
    outputs = next(n for n in program.graph.nodes if n.op == "output").args[0]
    values = [
        value.meta["val"]
        for spec, value in zip(program.graph_signature.output_specs, outputs)
        if spec.kind.name == "USER_OUTPUT"
    ]
    return [
        {
            "name": n.lstrip(".") or None,
            "dtype": dtype_name(v.dtype),
            "shape": [symbols.dim(d) for d in v.shape],
        }
        for n, v in zip(names, values)
    ]


def describe_symbols(captured, symbols, inputs):
    described = []
    for name in symbols.names:
        size = inputs.sizes[name]
        described.append(
            {"name": name, "min": 1, "max": None, "sizes": [size, size + 1]}
        )
    return described


def describe_modules(module):
    described, located = [], {}
    for path, child in module.named_modules() if module is not None else ():
        cls = type(child)
        if cls not in located:
            located[cls] = source_of(cls)
        file, line = located[cls]
        described.append(
            {
                "path": path,
                "class": qualified(cls),
                "file": file,
                "line": line,
                "extra": child.extra_repr(),
            }
        )
    return described


def describe_entry(entry):
    target = type(entry.module) if entry.module is not None else entry.object
    file, line = source_of(target)
    try:
        arguments = list(entry.signature.parameters)
    except ValueError:
        arguments = []
    doc = (inspect.getdoc(entry.target) or "").strip().splitlines()
    return {
        "entry": entry.spec,
        "name": entry.name,
        "kind": entry.kind,
        "class": qualified(target),
        "file": file,
        "line": line,
        "forward_arguments": arguments,
        "doc": doc[0] if doc else None,
    }


def framework():
    libraries = {}
    for name in ("torchvision", "transformers", "timm", "torchaudio"):
        loaded = sys.modules.get(name)
        if loaded is not None and getattr(loaded, "__version__", None):
            libraries[name] = str(loaded.__version__)
    return {"name": "torch", "version": str(torch.__version__), "libraries": libraries}
