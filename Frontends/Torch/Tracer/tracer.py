"""Trace a PyTorch model into the document that Graft imports.

Loaded as `graft_torch_tracer`, after `graft_torch_document`.
"""

import inspect
import json
import re
import sys

import numpy
import torch
from graft_torch_capture import export, stays_in_train_mode
from graft_torch_document import GraphWriter, tree
from graft_torch_entry import GraftError, resolve
from graft_torch_inputs import (
    ATTEMPTS,
    dtype_name,
    from_factory,
    from_specs,
    has_free_sizes,
)
from graft_torch_modes import has_stray_flags, same_but_for_flags
from graft_torch_problems import check_modes, check_outputs, explain, run_eagerly
from graft_torch_sizes import Symbols
from graft_torch_statements import Functions, Statements

RESHAPING = ("aten.view", "aten.reshape", "aten._unsafe_view")


def trace(request, tensors):
    """Trace an entry. `request` is JSON; the reply is the trace document and the bytes of parameters and constants."""
    request = json.loads(request)
    entry = resolve(request["entry"], request.get("init"), request.get("name"))
    specs = (request.get("inputs") or {}).get("specs") or []
    attempts = ATTEMPTS if has_free_sizes(specs) else 1
    failure = found = None
    for attempt in range(attempts):
        inputs = make_inputs(entry, request, attempt)
        if attempt > 0 and run_eagerly(entry, inputs) is not None:
            continue
        try:
            found = trace_entry(entry, inputs, request.get("mode") or "both")
        except GraftError as error:
            failure = failure or error
            if error.code != "forward-raised":
                break
            continue
        entry.inputs = inputs
        if all(len(set(symbol["sizes"])) == 2 for symbol in found[0]["symbols"]):
            break
    if found is None:
        raise failure
    return json.dumps(found[0], allow_nan=False), found[1]


def trace_entry(entry, inputs, mode):
    """The trace document and its buffers for an entry and its inputs, in "both" modes or in "eval" only."""
    captured = attempt_export(entry, inputs, mode == "both")
    symbols = bind_symbols(captured, inputs)
    statements, functions, constants = Statements(), Functions(), {}
    paths, parameters, buffers, tensors = describe_state(entry.module)

    def write(part):
        symbols = bind_symbols(part, inputs)
        writer = GraphWriter(part, symbols, paths, statements, functions)
        graph = writer.write()
        constants.update(writer.constants)
        return graph

    graphs = {mode: write(captured)}
    if mode == "both" and (
        captured.reads or has_stray_flags(graphs["both"]) or stays_in_train_mode(entry)
    ):
        inference = attempt_export(entry, inputs, False)
        check_modes(entry, captured.result[0], inference.result[0])
        evaluation = write(inference)
        if not same_but_for_flags(graphs["both"], evaluation):
            graphs = {"eval": evaluation, "train": graphs["both"]}
    tensors.update((name, as_bytes(tensor)) for name, tensor in constants.items())
    tensors.update(
        (f"input.{k}", as_bytes(x.detach())) for k, x in enumerate(inputs.leaves)
    )
    output_tree, output_names = captured.result
    check_outputs(entry, output_tree)
    document = {
        "format": "graft.trace",
        "version": 1,
        "framework": framework(),
        "entry": describe_entry(entry),
        "symbols": describe_symbols(captured, symbols, inputs),
        "modules": describe_modules(entry.module, graphs.values()),
        "functions": functions.described,
        "parameters": parameters,
        "buffers": buffers,
        "constants": [
            {"name": n, "dtype": dtype_name(t.dtype), "shape": list(t.shape)}
            for n, t in constants.items()
        ],
        "inputs": {
            "dict": [[n, tree(v, symbols)] for n, v in inputs.arguments.items()]
        },
        "outputs": tree(output_tree, symbols),
        "input_leaves": leaf_descriptions(captured, symbols, inputs),
        "graphs": graphs,
        "output_leaves": output_descriptions(captured, symbols, output_names),
    }
    return document, tensors


def attempt_export(entry, inputs, train):
    """Export, or raise the GraftError that says why it is not possible."""
    try:
        return export(entry, inputs, train)
    except (KeyboardInterrupt, GraftError):
        raise
    except Exception as error:
        raise explain(entry, inputs, error) from error


def make_inputs(entry, request, attempt=0):
    """The example inputs that a trace request asks for."""
    given = request.get("inputs") or {}
    if given.get("factory"):
        return from_factory(entry, given["factory"], request.get("dynamic"))
    return from_specs(entry, given.get("specs") or [], attempt, request.get("dynamic"))


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


def describe_state(module):
    """(canonical path by exported name, parameters, buffers, their bytes by path)."""
    paths, tensors = {}, {}
    if module is None:
        return paths, [], [], tensors
    parameters = describe_tensors(
        module.named_parameters(remove_duplicate=False), paths
    )
    for item, tensor in parameters:
        item["trainable"] = tensor.requires_grad
        tensors[item["path"]] = as_bytes(tensor)
    temporary = {
        f"{path}.{name}" if path else name
        for path, child in module.named_modules(remove_duplicate=False)
        for name in child._non_persistent_buffers_set
    }
    buffers = describe_tensors(module.named_buffers(remove_duplicate=False), paths)
    for item, tensor in buffers:
        item["persistent"] = item["path"] not in temporary
        tensors[item["path"]] = as_bytes(tensor)
    return paths, [p for p, _ in parameters], [b for b, _ in buffers], tensors


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
            if isinstance(size, int) or size.node.expr.is_number:
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


def leaf_descriptions(captured, symbols, inputs):
    """The inputs; `generated` says that the values are random, within `range` if there is one."""
    return [
        {
            "name": name,
            "dtype": dtype_name(v.dtype),
            "shape": [symbols.dim(d) for d in v.shape],
            "generated": k in inputs.ranges,
            "range": inputs.ranges.get(k),
        }
        for k, (name, v) in enumerate(zip(inputs.names, user_inputs(captured)))
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
    """Each symbol with its range and two sizes: the traced one and another that the model's guards accept."""
    sizes = {name: inputs.sizes[name] for name in symbols.names}
    described = []
    for name in symbols.names:
        low, high = symbols.range(name, captured.program.range_constraints)
        traced = sizes[name]
        candidates = [traced + step for step in range(1, 65)]
        candidates += [traced * factor for factor in range(2, 17)]
        candidates += [traced - step for step in range(1, traced)]
        others = {size for other, size in sizes.items() if other != name}
        second = traced
        for size in sorted(candidates, key=lambda size: size in others):
            in_range = low <= size and (high is None or size <= high)
            if in_range and symbols.admits(captured.shape_env, {**sizes, name: size}):
                second = size
                break
        sizes[name] = second
        described.append(
            {"name": name, "min": low, "max": high, "sizes": [traced, second]}
        )
    return described


def describe_modules(module, graphs):
    described, located = [], {}
    named = shape_attributes(graphs)
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
                "forward": forward_parameters(cls),
                "sizes": {
                    name: value
                    for name, value in vars(child).items()
                    if name in named.get(path, ()) and type(value) is int
                },
                "extra": child.extra_repr(),
            }
        )
    return described


def shape_attributes(graphs):
    """For each module the attributes that the statements name in which its tensors get another shape."""
    named = {}
    for graph in graphs:
        for node in graph["nodes"]:
            if node["op"].startswith(RESHAPING):
                for *_, statement in node["frames"]:
                    names = re.findall(r"\bself\.(\w+)\b(?![.(\[])", statement)
                    named.setdefault(node["path"], set()).update(names)
    return named


def forward_parameters(cls):
    """The names of what `forward` takes by position or keyword."""
    try:
        parameters = inspect.signature(cls.forward).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in kinds and p.name != "self"]


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
