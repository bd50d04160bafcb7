"""Tests of how calls of the user's own functions are told apart in a trace."""

from support import TracerCase

SOURCE = """
import functools
import torch
from torch import nn


def step(x, factor=2.0):
    return x * factor


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


def one_line(x, y):
    return step(x) + step(y, 3.0)


def loop(x):
    for factor in (1.0, 2.0, 3.0):
        x = step(x, factor)
    return x


def split(x):
    low = x.amin(0)
    high = x.amax(0)
    return high, low


def outer(x):
    high, low = split(x.exp())
    return step(high - low)


@logged
def wrapped(x):
    return step(x)


def parts(x):
    for k in range(2):
        yield step(x) + k


def resumed(x):
    total = 0
    for part in parts(x):
        total = total + part
    return sum(x * k for k in range(2)) + total


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))
        self.linear = nn.Linear(4, 4)

    def _project(self, x):
        return step(self.linear(x), 2) * self.weight

    def forward(self, x):
        return self._project(self._project(x)) + step(self.weight)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Layer(), Layer()])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
"""


class CallTests(TracerCase):
    source = SOURCE

    def graph(self, name, *specs):
        document = self.trace(name, *specs)
        self.functions = [f["name"].partition(".")[2] for f in document["functions"]]
        self.described = document["functions"]
        return next(iter(document["graphs"].values()))

    def calls(self, graph):
        """Each call's function, parent and arguments, tensors by reference."""
        return [
            (
                self.functions[c["function"]],
                c["parent"],
                dict(map(tuple, c["arguments"])),
            )
            for c in graph["calls"]
        ]

    def own_calls(self, graph, op):
        return [n["own_call"] for n in graph["nodes"] if n["op"].startswith(op)]

    def test_calls_of_one_line(self):
        graph = self.graph("one_line", "f32[N,4]", "f32[N,4]")
        first, second = self.calls(graph)
        self.assertEqual(
            first[2], {"x": {"ref": "leaves_0", "index": 0}, "factor": {"float": "2.0"}}
        )
        self.assertEqual(
            second[2],
            {"x": {"ref": "leaves_1", "index": 0}, "factor": {"float": "3.0"}},
        )
        self.assertEqual(self.own_calls(graph, "aten.mul"), [0, 1])
        self.assertEqual(self.own_calls(graph, "aten.add"), [None])

    def test_calls_in_a_loop(self):
        graph = self.graph("loop", "f32[N,4]")
        self.assertEqual(self.own_calls(graph, "aten.mul"), [0, 1, 2])
        given = [c[2]["x"]["ref"] for c in self.calls(graph)]
        produced = [n["name"] for n in graph["nodes"] if n["op"].startswith("aten.mul")]
        self.assertEqual(given, ["leaves_0", *produced[:2]])

    def test_returned_names_and_frames(self):
        graph = self.graph("outer", "f32[N,4]")
        self.assertEqual(self.functions, ["split", "step"])
        self.assertEqual(self.described[0]["returns"], ["high", "low"])
        self.assertEqual(self.described[1]["returns"], [])
        self.assertEqual(self.described[1]["parameters"], ["x", "factor"])
        for node in graph["nodes"]:
            if node["own_call"] is not None:
                call = graph["calls"][node["own_call"]]
                self.assertEqual((call["frames"], call["modules"]), (1, 0))
                self.assertEqual(node["frames"][call["frames"] - 1][2], "outer")

    def test_entry_and_what_wraps_it_are_no_calls_within(self):
        graph = self.graph("wrapped", "f32[N,4]")
        self.assertEqual([c[:2] for c in self.calls(graph)], [("step", None)])

    def test_what_is_resumed_is_no_call(self):
        graph = self.graph("resumed", "f32[N,4]")
        self.assertEqual({c[:2] for c in self.calls(graph)}, {("step", None)})

    def test_methods_and_modules(self):
        graph = self.graph("Net", "f32[N,4]")
        calls = self.calls(graph)
        self.assertEqual(
            [c[:2] for c in calls[:5]],
            [
                ("Layer._project", None),
                ("step", 0),
                ("Layer._project", None),
                ("step", 2),
                ("step", None),
            ],
        )
        self.assertEqual({c["modules"] for c in graph["calls"]}, {1})
        self.assertEqual(calls[1][2]["factor"], 2)
        self.assertEqual(calls[4][2], {"factor": {"float": "2.0"}})
        linear = [n for n in graph["nodes"] if n["op"].startswith("aten.linear")]
        self.assertEqual([n["own_call"] for n in linear], [0, 2, 5, 7])
