"""Tests of trace() and run() on small models: python -m unittest discover -s Tests/GraftTorchTests/python"""

import numpy
import torch
from support import TracerCase, from_bytes, module_of, ops

MODELS = '''
import collections
import dataclasses
import torch
from torch import nn
from torch.nn import functional as F


class MLP(nn.Module):
    """A small perceptron."""

    def __init__(self, width=16, p=0.1):
        super().__init__()
        self.fc1 = nn.Linear(8, width)
        self.drop = nn.Dropout(p)
        self.fc2 = nn.Linear(width, 3)

    def forward(self, x):
        h = F.gelu(
            self.fc1(x)
        )
        return self.fc2(self.drop(h))


def make(width=4):
    return MLP(width)


net = MLP(5)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight
        self.head.weight.requires_grad_(True)
        self.scale = nn.Parameter(torch.ones(4), requires_grad=False)
        self.register_buffer("offset", torch.zeros(4), persistent=False)

    def forward(self, ids):
        table = torch.tensor([1.0, 2.0, 3.0, 4.0])
        return self.head(self.embed(ids) * self.scale + self.offset + table)


def split(x, heads):
    return x.view(-1, heads, 4)


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads, self.limit, self.rate, self.causal = 3, 5, 0.5, True
        self.inner = nn.Tanh()

    def forward(self, x):
        x = x.clamp(max=self.limit)
        return split(self.inner(x), self.heads) * self.rate


def slices(x, rate=2.0):
    x = x.clone()
    x[:, 1:3] = 0
    x[0] += rate
    x[x > 1] = 5
    return x


def nested(pair, options, flag=True):
    a, b = pair
    total = a + b if flag else a - b
    if options.get("mask") is not None:
        total = total * options["mask"]
    return {"total": total, "parts": [a * 2, None], "name": "sum"}


def nested_inputs():
    a, b = torch.randn(2, 3), torch.randn(2, 3)
    return {"pair": (a, b), "options": {"mask": torch.ones(2, 3), "extra": None}}


@dataclasses.dataclass
class Box:
    low: torch.Tensor
    high: torch.Tensor
    label: str = "box"


def boxes(box, shift=None):
    assert shift is None
    return Box(box.low - 1, box.high + 1)


def box_inputs():
    return (Box(torch.zeros(2, 4), torch.ones(2, 4)),)


class Depth(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        if self.training:
            keep = torch.empty(x.shape[0], 1).bernoulli_(0.8)
            return x + self.fc(x) * keep / 0.8
        return x + self.fc(x)


class OwnFlag(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5, self.training)


class AlwaysOn(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5)


class Norms(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(4)
        self.norm = nn.InstanceNorm2d(4, affine=True, track_running_stats=True)

    def forward(self, x):
        return self.norm(self.bn(x))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 5, 2, bidirectional=True, batch_first=True, dropout=0.2)

    def forward(self, x):
        out, (h, c) = self.lstm(x)
        return out, h


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.mha = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x, padding, causal):
        return self.mha(x, x, x, key_padding_mask=padding, attn_mask=causal, need_weights=False)[0]


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Linear(4, 4), nn.ReLU())

    def forward(self, x):
        return self.block(self.block(x))


Pair = collections.namedtuple("Pair", ["left", "right"])


class Merge(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x, skip, options=None, others=(), pair=None, **kwargs):
        total = self.fc(x) - skip + sum(others)
        if options is not None:
            total = total * options["mask"] + options[0]
        if pair is not None:
            total = total + pair.left - pair.right
        return total + sum(kwargs.values())


class Merging(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = Merge(), Merge(), Merge()
        self.block = nn.Sequential(Merge())
        self.drop = nn.Dropout(0.1)

    def forward(self, inputs, mask):
        half, other = inputs.relu().split(4, dim=-1)
        half = half.clone()
        half.add_(1)
        with torch.no_grad():
            fixed = mask * 2
        y = self.first(skip=half, x=other, scale=fixed)
        y = self.second(y, inputs[:, :4], {"mask": mask, 0: half}, (other, half))
        y = self.third(self.drop(y), y, pair=Pair(mask, half.sin()))
        return y + self.first(y, y)


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, x):
        self.seen = self.seen + x.sum(0)
        self.last = x * 2
        return x + self.seen


def frozen(x):
    with torch.no_grad():
        scale = x * 2
    return x * scale


def spectrum(z):
    return (z * z.conj()).real + torch.view_as_real(z).sum(-1)


def half(x):
    return (x * 2).float() + x


def branch(x):
    if x.sum() > 0:
        return x
    return -x


def unrolled(x):
    return torch.stack([x[:, i] * i for i in range(x.shape[1])])


def typo(x):
    return x.reluu()


def picked(x):
    return x[x > 0]


def changed_row(x):
    x = x.clone()
    x[x.sum(1).argmax()].add_(1)
    return x


def packed(x):
    packed = nn.utils.rnn.pack_padded_sequence(x, [3, 2], batch_first=True)
    return nn.utils.rnn.pad_packed_sequence(packed)[0]


class Auxiliary(nn.Module):
    def forward(self, x):
        return (x, x * 2) if self.training else x


class Cache:
    def __init__(self, keys):
        self.keys = keys


def cached(x):
    return {"y": x, "cache": [Cache(x)]}


def difference(first, second):
    return first - 2 * second


def same_twice():
    x = torch.randn(3)
    return x, x


def pairs(x):
    return x.view(-1, 2)


def sizes(x):
    return x.shape[0], x * x.shape[0]


def noise(x):
    return x + torch.randn_like(x) + torch.rand(x.shape) + F.scaled_dot_product_attention(x, x, x, dropout_p=0.25)
'''


class Models(TracerCase):
    source = MODELS

    def test_mlp(self):
        document = self.trace("MLP", "x=f32[N,8]", init="width=6")
        graph = document["graphs"]["both"]
        self.assertEqual(ops(graph), ["linear", "gelu", "native_dropout", "linear"])
        self.assertEqual(document["entry"]["doc"], "A small perceptron.")
        self.assertEqual(
            document["symbols"], [{"name": "N", "min": 1, "max": None, "sizes": [2, 3]}]
        )
        gelu = graph["nodes"][1]
        self.assertEqual(
            gelu["results"], [{"dtype": "float32", "shape": [{"sym": "N"}, 6]}]
        )
        self.assertEqual(
            gelu["frames"][0][2:], ["forward", "h = F.gelu( self.fc1(x) )"]
        )
        self.assertEqual(
            graph["nodes"][0]["stack"], [["fc1", "torch.nn.modules.linear.Linear"]]
        )

    def test_names_of_what_modules_are_passed(self):
        document = self.trace("Merging", "inputs=f32[N,8]", "mask=f32[N,4]")
        graph = document["graphs"]["both"]
        results = {n["name"]: n for n in graph["nodes"]}
        passed = {}
        for path, name, value in graph["passed"]:
            node = results.get(value["ref"])
            op = node["op"].split(".")[1] if node else value["ref"]
            passed.setdefault(path, []).append((name, op, value["index"]))
        targets = {p["name"]: p["target"] for p in graph["placeholders"]}
        first = passed["first"]
        self.assertEqual(
            first[:3], [("x", "split", 1), ("skip", "add", 0), ("scale", "mul", 0)]
        )
        # The second call passes one tensor for both.
        self.assertEqual([n for n, _, _ in first[3:]], ["x", "skip"])
        self.assertEqual(
            [(n, targets.get(op, op)) for n, op, _ in passed["second"]],
            [("x", "add"), ("skip", "slice"), ("mask", 1)],
        )
        self.assertEqual(
            [(n, targets.get(op, op)) for n, op, _ in passed["third"]],
            [("x", "native_dropout"), ("skip", "add"), ("left", 1), ("right", "sin")],
        )
        self.assertNotIn("", passed)

    def test_instance_and_factory(self):
        self.assertEqual(
            self.trace("net", "f32[N,8]")["parameters"][0]["shape"], [5, 8]
        )
        self.assertEqual(self.trace("make", "f32[N,8]")["entry"]["name"], "make")

    def test_tied(self):
        document = self.trace("Tied", "ids=i64[N,T]:0..10")
        paths = {
            p["path"]: (p["trainable"], p["aliases"]) for p in document["parameters"]
        }
        self.assertEqual(paths["embed.weight"], (True, ["head.weight"]))
        self.assertEqual(paths["scale"], (False, []))
        self.assertEqual(document["buffers"][0]["persistent"], False)
        self.assertEqual([c["shape"] for c in document["constants"]], [[4]])
        targets = {p["target"] for p in document["graphs"]["both"]["placeholders"]}
        self.assertNotIn("head.weight", targets)
        self.assertIn("offset", targets)

    def test_slices(self):
        document = self.trace("slices", "f32[N,6]", "rate=3.0")
        self.assertEqual(document["entry"]["kind"], "function")
        self.assertEqual(document["inputs"]["dict"][1], ["rate", {"const": 3.0}])
        self.assertEqual(document["graphs"]["both"]["mutations"], [])

    def test_nested(self):
        document = self.trace(
            "nested",
            factory="nested_inputs",
            dynamic=["pair=N,_", "options.mask=N,_"],
        )
        pair = document["inputs"]["dict"][0]
        self.assertEqual(pair, ["pair", {"tuple": [{"leaf": 0}, {"leaf": 1}]}])
        self.assertEqual(
            document["inputs"]["dict"][1][1],
            {"dict": [["mask", {"leaf": 2}], ["extra", {"const": None}]]},
        )
        expected = [
            ["total", {"leaf": 0}],
            ["parts", {"list": [{"leaf": 1}, {"const": None}]}],
            ["name", {"const": "sum"}],
        ]
        self.assertEqual(document["outputs"], {"dict": expected})
        self.assertEqual(document["output_leaves"][1]["shape"], [{"sym": "N"}, 3])

    def test_dataclass(self):
        document = self.trace("boxes", factory="box_inputs")
        self.assertTrue(document["outputs"]["dataclass"].endswith(".Box"))
        self.assertEqual(document["outputs"]["fields"][2], ["label", {"const": "box"}])

    def test_tensor_given_twice(self):
        document = self.trace("difference", factory="same_twice")
        graph = document["graphs"]["both"]
        targets = {p["name"]: p["target"] for p in graph["placeholders"]}
        (double,) = [n for n in graph["nodes"] if n["op"].startswith("aten.mul")]
        self.assertEqual(targets[double["args"]["self"]["ref"]], 1)

    def test_modes(self):
        self.assertEqual(
            set(self.trace("Depth", "f32[N,8]")["graphs"]), {"eval", "train"}
        )
        self.assertEqual(
            set(self.trace("AlwaysOn", "f32[N,8]")["graphs"]), {"eval", "train"}
        )
        self.assertEqual(
            ops(self.trace("OwnFlag", "f32[N,8]")["graphs"]["both"]), ["native_dropout"]
        )
        self.assertEqual(
            ops(self.trace("Recurrent", "f32[N,T,6]")["graphs"]["both"])[-1], "lstm"
        )

    def test_inference_only(self):
        document = self.trace("Auxiliary", "x=f32[N,8]", mode="eval")
        self.assertEqual(set(document["graphs"]), {"eval"})
        self.assertEqual(document["outputs"], {"leaf": 0})

    def test_instance_norm_updates(self):
        train = self.trace("Norms", "f32[N,4,8,8]")["graphs"]["train"]
        changed = {m["buffer"] for m in train["mutations"]}
        self.assertIn("norm.running_mean", changed)
        self.assertIn("bn.running_var", changed)

    def test_attention(self):
        document = self.trace(
            "Attention", "x=f32[N,T,8]", "padding=bool[N,T]", "causal=bool[T,T]"
        )
        self.assertIn("scaled_dot_product_attention", ops(document["graphs"]["both"]))

    def test_integers_that_shapes_come_from(self):
        sizes = [m["sizes"] for m in self.trace("Heads", "f32[N,12]")["modules"]]
        self.assertEqual(sizes, [{"heads": 3}, {}])

    def test_shared_module_calls(self):
        graph = self.trace("Shared", "f32[N,4]")["graphs"]["both"]
        self.assertEqual([(n["path"], n["call"]) for n in graph["nodes"]],
                         [("block.0", 0), ("block.1", 0), ("block.0", 1), ("block.1", 1)])  # fmt: skip

    def test_rebound_buffer(self):
        document = self.trace("Counter", "f32[N,3]")
        self.assertEqual(document["graphs"]["both"]["mutations"][0]["buffer"], "seen")
        module = module_of(self.request)
        self.assertFalse(hasattr(module, "last"))
        torch.testing.assert_close(module.seen, torch.zeros(3))

    def test_no_grad(self):
        self.assertIn(
            "graft.stop_gradient",
            [
                n["op"]
                for n in self.trace("frozen", "f32[N]")["graphs"]["both"]["nodes"]
            ],
        )

    def test_dtypes(self):
        self.assertEqual(
            self.trace("spectrum", "c64[N]")["output_leaves"][0]["dtype"], "float32"
        )
        self.assertEqual(
            self.trace("half", "bf16[N]")["input_leaves"][0]["dtype"], "bfloat16"
        )

    def test_sizes(self):
        self.assertEqual(
            self.trace("sizes", "f32[N,2]")["outputs"]["tuple"][0],
            {"scalar": {"sym": "N"}},
        )
        traced, other = self.trace("pairs", "f32[N]")["symbols"][0]["sizes"]
        self.assertEqual((traced % 2, other % 2, traced == other), (0, 0, False))

    def test_failures(self):
        self.assert_failure("name-missing", "no `MLPP`", "MLPP")
        self.assert_failure("file-missing", "/nowhere.py", "/nowhere.py:x")
        self.assert_failure("module-missing", "nowhere", "nowhere.at.all:x")
        self.assert_failure("inputs-missing", "forward(x)", "MLP")
        self.assert_failure("init-syntax", "width", "MLP", init="width=foo")
        self.assert_failure("constructor-raised", "depth", "MLP", init="depth=2")
        self.assert_failure("input-syntax", "q8", "MLP", "x=q8[2]")
        self.assert_failure("forward-raised", "2x9 and 8x16", "MLP", "x=f32[N,9]")
        self.assert_failure("forward-raised", "reluu", "typo", "f32[N]")
        self.assert_failure("data-dependent", "models.py:", "branch", "f32[N]")
        self.assert_failure("data-dependent", "models.py:", "picked", "f32[N]")
        self.assert_failure("data-dependent", "in place", "changed_row", "f32[2,3]")
        self.assert_failure("packed-sequence", "packed", "packed", "f32[2,3,4]")
        self.assert_failure("modes-differ", "a tuple of 2", "Auxiliary", "x=f32[2]")
        self.assert_failure("output-type", "`cache.0` of cached", "cached", "f32[2]")
        error = self.assert_failure(
            "dynamic-specialised", "T (in x)", "unrolled", "f32[N,T]"
        )
        self.assertIn("instead of T", error.remedy)


class Runs(TracerCase):
    source = MODELS

    def test_dropout_draws_and_gradients(self):
        self.trace("MLP", "x=f32[N,8]")
        module = module_of(self.request)
        x, cotangent = torch.randn(3, 8), torch.randn(3, 3)
        reply, tensors = self.run_source(
            [x], "train", cotangents=[cotangent], watch=True
        )
        draw = numpy.random.Generator(numpy.random.Philox(key=[7, 0])).random((3, 16))
        x.requires_grad_()
        hidden = torch.nn.functional.gelu(module.fc1(x))
        expected = module.fc2(hidden * torch.tensor(draw < 0.9) / 0.9)
        torch.testing.assert_close(
            from_bytes(tensors["output.0"], reply["outputs"][0]), expected.detach()
        )
        gradients = torch.autograd.grad(expected, [x, module.fc1.weight], cotangent)
        given = from_bytes(tensors["input_gradient.0"], reply["input_gradients"][0])
        torch.testing.assert_close(given, gradients[0])
        weight = reply["parameter_gradients"]["fc1.weight"]
        torch.testing.assert_close(
            from_bytes(tensors["parameter_gradient.fc1.weight"], weight), gradients[1]
        )
        self.assertEqual(reply["modules"]["fc2"][0]["outputs"][0]["shape"], [3, 3])

    def test_float64_restores(self):
        self.trace("Norms", "f32[N,4,8,8]")
        module = module_of(self.request)
        before = {k: v.clone() for k, v in module.state_dict().items()}
        x = torch.randn(3, 4, 8, 8)
        reply, tensors = self.run_source([x], "train", "float64")
        self.assertEqual(reply["outputs"][0]["dtype"], "float64")
        self.assertEqual(set(reply["state"]), {"bn.running_mean", "bn.running_var", "bn.num_batches_tracked",
                                               "norm.running_mean", "norm.running_var"})  # fmt: skip
        for key, value in module.state_dict().items():
            self.assertEqual(value.dtype, before[key].dtype)
            torch.testing.assert_close(value, before[key], rtol=0, atol=0)
        module.double().train()
        torch.testing.assert_close(
            from_bytes(tensors["output.0"], reply["outputs"][0]),
            module(x.double()).detach(),
        )
        mean = from_bytes(
            tensors["state.norm.running_mean"], reply["state"]["norm.running_mean"]
        )
        torch.testing.assert_close(mean, module.norm.running_mean)
        module.float().load_state_dict(before)

    def test_eval_equals_direct_call(self):
        for name, specs, inputs in (
            ("Recurrent", ["f32[N,T,6]"], [torch.randn(3, 4, 6)]),
            ("Depth", ["f32[N,8]"], [torch.randn(3, 8)]),
            ("Attention", ["f32[N,T,8]", "bool[N,T]", "bool[T,T]"],
             [torch.randn(2, 4, 8), torch.zeros(2, 4, dtype=torch.bool), torch.ones(4, 4).triu(1).bool()]),
        ):  # fmt: skip
            with self.subTest(name):
                self.trace(name, *specs)
                reply, tensors = self.run_source(inputs)
                expected = module_of(self.request).eval()(*inputs)
                expected = expected if isinstance(expected, tuple) else (expected,)
                for k, value in enumerate(expected):
                    given = from_bytes(tensors[f"output.{k}"], reply["outputs"][k])
                    torch.testing.assert_close(given, value.detach())

    def test_random_functions(self):
        self.trace("noise", "f32[N,T,4]")
        x = torch.randn(2, 3, 4)
        reply, tensors = self.run_source([x])
        normal, uniform, keep = (
            numpy.random.Generator(numpy.random.Philox(key=[7, k])) for k in range(3)
        )
        weights = (
            torch.softmax(x @ x.mT / 2, -1)
            * torch.tensor(keep.random((2, 3, 3)) < 0.75)
            / 0.75
        )
        expected = (
            x
            + torch.tensor(normal.standard_normal((2, 3, 4))).float()
            + torch.tensor(uniform.random((2, 3, 4))).float()
        )
        torch.testing.assert_close(
            from_bytes(tensors["output.0"], reply["outputs"][0]),
            expected + weights.float() @ x,
        )

    def test_missing_gradient(self):
        self.trace("Tied", "ids=i64[N,T]:0..10")
        reply, _ = self.run_source(
            [torch.ones(2, 3, dtype=torch.int64)], cotangents=[torch.randn(2, 3, 10)]
        )
        self.assertEqual(reply["input_gradients"], [None])
        self.assertEqual(set(reply["parameter_gradients"]), {"embed.weight"})
