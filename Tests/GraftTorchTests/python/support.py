"""Load the tracer's files the way that the binary does, and compare its replies with PyTorch itself."""

import importlib.util
import json
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
)
TRACER = os.path.join(ROOT, "Frontends", "Torch", "Tracer")
ORDER = (
    "entry",
    "inputs",
    "replaced",
    "arguments",
    "frames",
    "capture",
    "sizes",
    "statements",
    "document",
    "modes",
    "problems",
    "tracer",
    "draws",
    "branches",
    "source",
)


def load():
    """Register the tracer's modules in their documented order."""
    for stem in ORDER:
        name = f"graft_torch_{stem}"
        if name in sys.modules:
            continue
        path = os.path.join(TRACER, f"{stem}.py")
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)


load()

import graft_torch_entry as entry
import graft_torch_source as source
import graft_torch_tracer as tracer
import numpy
import torch
from graft_torch_inputs import flatten  # noqa: F401

DOCUMENT_KEYS = {
    "format", "version", "framework", "entry", "symbols", "modules", "functions", "parameters", "buffers", "constants", "inputs",
    "outputs", "input_leaves", "graphs", "output_leaves",
}  # fmt: skip
NODE_KEYS = {
    "name",
    "op",
    "args",
    "results",
    "path",
    "call",
    "class",
    "stack",
    "frames",
    "own_call",
}


class TracerCase(unittest.TestCase):
    """Traces entries of a temporary file or of packages, and checks each reply against the contract."""

    source = ""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.file = os.path.join(cls.folder.name, f"{cls.__name__.lower()}_models.py")
        with open(cls.file, "w", encoding="utf-8") as file:
            file.write(cls.source)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def trace(self, name, *specs, init=None, factory=None, dynamic=(), mode="both"):
        """The trace document of `name`, in this case's file unless it has a colon."""
        request = {
            "entry": name if ":" in name else f"{self.file}:{name}",
            "init": init,
            "inputs": {"factory": f"{self.file}:{factory}"}
            if factory
            else {"specs": list(specs)},
            "dynamic": list(dynamic),
            "name": None,
            "mode": mode,
        }
        text, tensors = tracer.trace(json.dumps(request), {})
        document = json.loads(text, parse_constant=self.fail)
        self.check(document, tensors)
        self.request = request
        return document

    def check(self, document, tensors):
        """The document is whole: every reference is defined before its use and every tensor has its bytes."""
        self.assertEqual(set(document), DOCUMENT_KEYS)
        for kind, key in (
            ("parameters", "path"),
            ("buffers", "path"),
            ("constants", "name"),
        ):
            for item in document[kind]:
                count = numpy.prod(item["shape"], dtype=int)
                width = getattr(torch, item["dtype"]).itemsize
                self.assertEqual(tensors[item[key]].nbytes, count * width, item)
        modes = set(document["graphs"])
        self.assertIn(modes, ({"both"}, {"eval", "train"}, {"eval"}))
        for graph in document["graphs"].values():
            self.check_graph(graph, len(document["output_leaves"]))

    def check_graph(self, graph, outputs):
        defined = {p["name"]: 1 for p in graph["placeholders"]}
        self.assertEqual(len(defined), len(graph["placeholders"]))
        for node in graph["nodes"]:
            self.assertEqual(set(node), NODE_KEYS)
            self.check_references(node["args"], defined)
            self.assertNotIn(node["name"], defined)
            defined[node["name"]] = len(node["results"])
            for result in filter(None, node["results"]):
                self.assertEqual(set(result), {"dtype", "shape"})
        self.assertEqual(len(graph["outputs"]), outputs)
        self.check_references(graph["outputs"], defined)
        self.check_references(graph["mutations"], defined)
        self.check_references(graph["passed"], defined)

    def check_references(self, value, defined):
        if isinstance(value, list):
            for item in value:
                self.check_references(item, defined)
        elif isinstance(value, dict) and "ref" in value:
            self.assertIn(value["ref"], defined)
            self.assertLess(value["index"], defined[value["ref"]])
        elif isinstance(value, dict) and "graph" not in value:
            for item in value.values():
                self.check_references(item, defined)

    def run_source(self, inputs, mode="eval", dtype=None, cotangents=(), **options):
        """Run the entry traced last; (reply, tensors decoded as NumPy arrays)."""
        request = {
            "entry": self.request["entry"],
            "init": self.request["init"],
            "mode": mode,
            "dtype": dtype,
            "draws": 7,
            "inputs": [describe(x) for x in inputs],
            "gradients": bool(cotangents),
            **options,
        }
        tensors = {f"input.{k}": to_bytes(x) for k, x in enumerate(inputs)}
        tensors.update(
            (f"cotangent.{k}", to_bytes(c)) for k, c in enumerate(cotangents)
        )
        text, replied = source.run(json.dumps(request), tensors)
        return json.loads(text), replied

    def assert_failure(self, code, words, name, *specs, **options):
        """Tracing raises a GraftError with this code whose sentence contains the words."""
        with self.assertRaises(entry.GraftError) as caught:
            self.trace(name, *specs, **options)
        self.assertEqual(caught.exception.code, code)
        self.assertIn(words, caught.exception.message)
        self.assertNotIn("\n", caught.exception.message)
        return caught.exception


def ops(graph):
    """The graph's operators in order, without `aten.` and overload."""
    return [n["op"].removeprefix("aten.").partition(".")[0] for n in graph["nodes"]]


def describe(x):
    return {"dtype": str(x.dtype).removeprefix("torch."), "shape": list(x.shape)}


def to_bytes(x):
    return tracer.as_bytes(x)


def from_bytes(buffer, described):
    """The tensor that a reply describes."""
    dtype = getattr(torch, described["dtype"])
    flat = torch.frombuffer(bytearray(memoryview(buffer)), dtype=dtype)
    return flat.reshape(described["shape"])


def module_of(request):
    """The very instance that the tracer holds."""
    return entry.resolve(request["entry"], request["init"]).module
