"""Write an exported program as the trace document's GRAPH and TREE.

Loaded as `graft_torch_document`, after `graft_torch_sizes`.
"""

import dataclasses
import math
import operator

import torch
from graft_torch_entry import GraftError
from graft_torch_frames import read_key
from graft_torch_inputs import Leaf, dtype_name
from graft_torch_sizes import write_expression
from torch.export.graph_signature import InputKind, OutputKind

TRIPLE = ("layout", "memory_format", "device")


class GraphWriter:
    """Writes one exported program as a GRAPH."""

    def __init__(self, captured, symbols, paths, statements, functions):
        self.captured = captured
        self.program = captured.program
        self.symbols = symbols
        self.paths = paths
        self.statements = statements
        self.functions = functions
        self.references = {}
        self.constants = {}
        self.unrecorded = set()
        self.serials = {}
        self._stacks = {}
        self._around = None

    def write(self):
        signature = self.program.graph_signature
        placeholders = self._placeholders(signature)
        nodes, outputs = [], ()
        for node in self.program.graph.nodes:
            if node.op == "call_function":
                try:
                    document = self._node(node)
                except GraftError as error:
                    error.message += self.where(node)
                    raise
                if document is not None:
                    nodes.append(document)
            elif node.op == "output":
                outputs = node.args[0]
        written, mutations = [], []
        for spec, value in zip(signature.output_specs, outputs):
            argument = self.argument(value, None)
            if spec.kind is OutputKind.USER_OUTPUT:
                written.append(argument)
            elif spec.kind in (
                OutputKind.BUFFER_MUTATION,
                OutputKind.PARAMETER_MUTATION,
            ):
                key = (
                    "buffer" if spec.kind is OutputKind.BUFFER_MUTATION else "parameter"
                )
                mutations.append({key: self.paths[spec.target], "value": argument})
            elif spec.kind is OutputKind.USER_INPUT_MUTATION:
                mutations.append(
                    {"input": self.leaf_of[spec.target], "value": argument}
                )
        nodes, written = self._stop_gradients(nodes, written)
        live = live_nodes(nodes, written, mutations)
        nodes = [n for n in nodes if n["name"] in live]
        used = used_names(nodes, written, mutations)
        placeholders = [
            p for p in placeholders if p["kind"] == "input" or p["name"] in used
        ]
        sources = Sources(nodes, placeholders, self.serials)
        return {
            "placeholders": placeholders,
            "calls": self._calls(nodes, sources),
            "nodes": nodes,
            "outputs": written,
            "mutations": mutations,
            "passed": [
                [path.removeprefix("root."), name, reference]
                for path, name, *source in self.captured.recorder.passed.records()
                if (reference := sources.reference(*source)) is not None
            ],
        }

    def _calls(self, nodes, sources):
        """CALLs of the user's own functions that the nodes are part of, by whose positions the nodes then name them."""
        recorded = self.captured.recorder.calls
        needed = set()
        for node in nodes:
            number = node["own_call"]
            while number is not None and number not in needed:
                needed.add(number)
                number = recorded[number].parent
        position = {number: k for k, number in enumerate(sorted(needed))}
        for node in nodes:
            node["own_call"] = position.get(node["own_call"])
        calls = []
        for number in sorted(needed):
            call = recorded[number]
            arguments = [[n, self._given(v, sources)] for n, v in call.arguments]
            calls.append(
                {
                    "function": self.functions.index(call.code, call.module),
                    "parent": position.get(call.parent),
                    "modules": call.modules,
                    "frames": call.frames,
                    "arguments": [[n, v] for n, v in arguments if v is not None],
                }
            )
        return calls

    def _given(self, value, sources):
        """ARG of what a call was given; None if it is not known what that is in this graph."""
        if isinstance(value, float):
            return {"float": repr(value)}
        if not isinstance(value, torch.fx.Node):
            return value
        source = self.captured.recorder.passed.source(value)
        return sources.reference(*source) if source is not None else None

    def _stop_gradients(self, nodes, outputs):
        """Cut the gradient where a value made under no_grad is used by code outside of it."""
        sources = {n.name for n in self.program.graph.nodes if n.op == "placeholder"}
        fixed = {
            s.arg.name
            for s in self.program.graph_signature.input_specs
            if s.kind in (InputKind.BUFFER, InputKind.CONSTANT_TENSOR)
        }
        carries = sources - fixed
        stopped, written = {}, []

        def cut(value):
            if isinstance(value, list):
                return [cut(v) for v in value]
            if (
                not isinstance(value, dict)
                or "ref" not in value
                or value["ref"] not in self.unrecorded
            ):
                return value
            key = (value["ref"], value["index"])
            producer = by_name[value["ref"]]
            result = producer["results"][value["index"]]
            if value["ref"] not in carries or not result["dtype"].startswith(
                ("float", "bfloat", "complex")
            ):
                return value
            if key not in stopped:
                name = f"stop_gradient_{len(stopped)}"
                stopped[key] = {"ref": name, "index": 0}
                written.append(
                    {
                        **producer,
                        "name": name,
                        "op": "graft.stop_gradient",
                        "args": {"input": value},
                    }
                )
                written[-1]["results"] = [result]
            return stopped[key]

        by_name = {node["name"]: node for node in nodes}
        for node in nodes:
            if carries.intersection(references(list(node["args"].values()))):
                carries.add(node["name"])
            if node["name"] not in self.unrecorded:
                node["args"] = {key: cut(value) for key, value in node["args"].items()}
            written.append(node)
        return written, [cut(value) for value in outputs]

    def _subgraph(self, node):
        """GRAPH of a branch or loop body, whose nodes come from where its operator stands.

        Its placeholders are operands, by position.
        """
        module = getattr(node.graph.owning_module, node.target)
        outer, self.references = self.references, {}
        placeholders, nodes, outputs = [], [], []
        for inner in module.graph.nodes:
            if inner.op == "placeholder":
                operand = {
                    "name": inner.name,
                    "kind": "operand",
                    "target": len(placeholders),
                }
                self.references[inner] = {"ref": inner.name, "index": 0}
                placeholders.append({**operand, **self.describe(inner.meta["val"])})
            elif inner.op == "call_function":
                document = self._node(inner)
                nodes.extend([document] if document is not None else [])
            elif inner.op == "output":
                values = inner.args[0]
                if not isinstance(values, (tuple, list)):
                    values = [values]
                outputs = [self.argument(v, None) for v in values]
        self.references = outer
        return {
            "placeholders": placeholders,
            "nodes": nodes,
            "outputs": outputs,
            "mutations": [],
        }

    def _placeholders(self, signature):
        placeholders, seen, leaf = [], {}, 0
        self.leaf_of = {}
        nodes = {n.name: n for n in self.program.graph.nodes if n.op == "placeholder"}
        for spec in signature.input_specs:
            name = spec.arg.name
            node = nodes[name]
            if spec.kind is InputKind.USER_INPUT:
                kind, target = "input", leaf
                self.leaf_of[name] = leaf
                leaf += 1
            elif spec.kind is InputKind.PARAMETER:
                kind, target = "parameter", self.paths[spec.target]
            elif spec.kind is InputKind.BUFFER:
                kind, target = "buffer", self.paths[spec.target]
            elif spec.kind is InputKind.CONSTANT_TENSOR:
                if spec.target in self.paths:
                    kind, target = "buffer", self.paths[spec.target]
                else:
                    kind, target = "constant", spec.target
                    self.constants[target] = self.program.constants[spec.target]
            else:
                raise GraftError(
                    "input-kind",
                    f"an input of kind {spec.kind.name} is not supported: {name}",
                )
            if kind != "input" and (kind, target) in seen:
                self.references[node] = seen[kind, target]
                continue
            self.references[node] = seen[kind, target] = {"ref": name, "index": 0}
            value = node.meta["val"]
            placeholders.append(
                {"name": name, "kind": kind, "target": target, **self.describe(value)}
            )
        return placeholders

    def describe(self, value):
        return {
            "dtype": dtype_name(value.dtype),
            "shape": [self.symbols.dim(d) for d in value.shape],
        }

    def _node(self, node):
        target = node.target
        value = node.meta.get("val")
        if target is operator.getitem:
            source = self.references.get(node.args[0])
            if source is not None:
                self.references[node] = {"ref": source["ref"], "index": node.args[1]}
            return None
        if not has_tensor(value):
            return None
        if isinstance(target, torch._ops.OpOverload):
            op, args = str(target), self._arguments(node)
        elif isinstance(target, torch._ops.HigherOrderOperator):
            op = f"higher_order.{target.name()}"
            outer, self._around = self._around, self._origin(node)
            args = {f"arg{k}": self.argument(a, None) for k, a in enumerate(node.args)}
            args.update((k, self.argument(a, None)) for k, a in node.kwargs.items())
            self._around = outer
        else:
            raise GraftError("unsupported-node", f"{target} is not supported")
        trace = node.meta.get("stack_trace") or ""
        if trace.endswith(":n"):
            self.unrecorded.add(node.name)
        if (key := read_key(trace)) is not None:
            self.serials[node.name] = key[1]
        self.references[node] = {"ref": node.name, "index": 0}
        values = value if isinstance(value, (tuple, list)) else [value]
        return {
            "name": node.name,
            "op": op,
            "args": args,
            "results": [None if v is None else self.describe(v) for v in values],
            **self._origin(node),
        }

    def where(self, node):
        frames = self._origin(node)["frames"]
        return f" at {frames[-1][0]}:{frames[-1][1]}" if frames else ""

    def _origin(self, node):
        if self._around is not None:
            return dict(self._around)
        stack, call = [], 0
        for key, (path, cls) in (node.meta.get("nn_module_stack") or {}).items():
            if not (path == "root" or path.startswith("root.")):
                continue
            if not isinstance(cls, str):
                cls = f"{cls.__module__}.{cls.__qualname__}"
            call = int(key.rpartition("@")[2]) if "@" in key else 0
            if path != "root":
                stack.append([path.removeprefix("root."), cls])
            root_class = cls
        key = read_key(node.meta.get("stack_trace"))
        frames, own_call = [], None
        if key is not None:
            index, _, own_call = key
            if index not in self._stacks:
                self._stacks[index] = [
                    self.statements.frame(*f)
                    for f in self.captured.recorder.stacks[index]
                ]
            frames = self._stacks[index]
        innermost = stack[-1] if stack else ["", None]
        if not stack and "nn_module_stack" in node.meta:
            innermost[1] = locals().get("root_class")
        return {
            "path": innermost[0],
            "call": call,
            "class": innermost[1],
            "stack": stack,
            "frames": frames,
            "own_call": own_call,
        }

    def _arguments(self, node):
        arguments = {}
        for position, schema in enumerate(node.target._schema.arguments):
            if position < len(node.args):
                value = node.args[position]
            elif schema.name in node.kwargs:
                value = node.kwargs[schema.name]
            else:
                value = schema.default_value if schema.has_default_value() else None
            arguments[schema.name] = self.argument(value, str(schema.type))
        return arguments

    def argument(self, value, kind):
        """ARG of a node's argument; `kind` is its schema type, which makes an int for a float argument a float."""
        if isinstance(value, torch.fx.Node):
            if value in self.references:
                return self.references[value]
            if value.op == "get_attr":
                return {"graph": self._subgraph(value)}
            return self._scalar(value.meta["val"])
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, int):
            return float(value) if kind in ("float", "Optional[float]") else value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, complex):
            return {"complex": [value.real, value.imag]}
        if isinstance(value, (list, tuple)):
            inner = (
                "float" if kind in ("List[float]", "Optional[List[float]]") else None
            )
            return [self.argument(v, inner) for v in value]
        if isinstance(value, torch.dtype):
            return {"dtype": dtype_name(value)}
        if isinstance(value, (torch.device, torch.layout, torch.memory_format)):
            return {"enum": str(value).removeprefix("torch.")}
        return self._scalar(value)

    def _scalar(self, value):
        if isinstance(value, torch.SymInt):
            dim = self.symbols.dim(value)
            return dim if isinstance(dim, int) else {"dim": dim}
        if isinstance(value, (torch.SymFloat, torch.SymBool)):
            return {"scalar": write_expression(self.symbols.translate(value.node.expr))}
        if isinstance(value, (bool, int, float)):
            return value
        raise GraftError(
            "argument-kind",
            f"an argument of type {type(value).__name__} is not supported",
        )


class Sources:
    """What nodes of the first trace are in the graph that is written."""

    def __init__(self, nodes, placeholders, serials):
        self._inputs = [p["name"] for p in placeholders if p["kind"] == "input"]
        # A node may have been decomposed into several: the last one has its result.
        self._nodes = {serials[n["name"]]: n for n in nodes if n["name"] in serials}

    def reference(self, source, part):
        """The ARG of part number `part` of what a node computes, or of an input by number; None if it is not there."""
        if isinstance(source, int):
            known = -source <= len(self._inputs)
            return {"ref": self._inputs[source], "index": 0} if known else None
        key = read_key(source.meta.get("stack_trace"))
        node = self._nodes.get(key[1]) if key is not None else None
        if node is None or part >= len(node["results"]):
            return None
        return {"ref": node["name"], "index": part}


def has_tensor(value):
    if isinstance(value, (tuple, list)):
        return any(isinstance(v, torch.Tensor) for v in value)
    return isinstance(value, torch.Tensor)


def references(argument):
    """The names that an ARG refers to."""
    if isinstance(argument, dict):
        if "ref" in argument:
            yield argument["ref"]
        elif "graph" not in argument:
            for item in argument.values():
                yield from references(item)
    elif isinstance(argument, list):
        for item in argument:
            yield from references(item)


def draws(op):
    return any(
        word in op
        for word in (
            "rand",
            "bernoulli",
            "dropout",
            "normal_",
            "aten.normal",
            "multinomial",
        )
    )


def live_nodes(nodes, outputs, mutations):
    """Names of the nodes that an output or mutation needs, and of those that draw random numbers."""
    live = set()
    for value in [*outputs, *(m["value"] for m in mutations)]:
        live.update(references(value))
    for node in reversed(nodes):
        if node["name"] in live or draws(node["op"]):
            live.add(node["name"])
            live.update(references(list(node["args"].values())))
    return live


def used_names(nodes, outputs, mutations):
    used = set(references([*outputs, *(m["value"] for m in mutations)]))
    for node in nodes:
        used.update(references(list(node["args"].values())))
    return used


def tree(value, symbols):
    """TREE of a value in which tensors are `Leaf`s."""
    if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        scalar = write_expression(symbols.translate(value.node.expr))
        return (
            {"const": scalar}
            if isinstance(scalar, (int, float))
            else {"scalar": scalar}
        )
    if isinstance(value, Leaf):
        return {"leaf": value.index}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        cls = type(value)
        fields = [
            [f.name, tree(getattr(value, f.name), symbols)]
            for f in dataclasses.fields(value)
        ]
        if isinstance(value, dict):
            fields = [[name, tree(item, symbols)] for name, item in value.items()]
        return {"dataclass": f"{cls.__module__}.{cls.__qualname__}", "fields": fields}
    if isinstance(value, dict):
        return {
            "dict": [
                [key if isinstance(key, str) else str(key), tree(item, symbols)]
                for key, item in value.items()
            ]
        }
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        cls = type(value)
        fields = [
            [name, tree(item, symbols)] for name, item in zip(value._fields, value)
        ]
        return {"dataclass": f"{cls.__module__}.{cls.__qualname__}", "fields": fields}
    if isinstance(value, tuple):
        return {"tuple": [tree(item, symbols) for item in value]}
    if isinstance(value, list):
        return {"list": [tree(item, symbols) for item in value]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"const": value}
    return {"const": str(value)}
