"""Run emitted files beside PyTorch, and under the transformations of JAX.

    run.py --cases Tests/Conformance/Cases FOLDER NAME...

FOLDER/NAME holds NAME.py and NAME.safetensors. A twin in Tests/Goldens/Twins takes the same weights. One JSON object a
line says what came of each. An error is the largest difference from PyTorch in float64, relative to the largest
magnitude; it may be a few times PyTorch's own.
"""

import argparse
import copy
import importlib
import importlib.util
import inspect
import json
import os
import pathlib
import sys
import tempfile
import time
import traceback
import typing

os.environ.pop("XLA_FLAGS", None)  # as users run it

import jax
import jax.numpy as jnp
import numpy
import torch
from jax.extend.core import ClosedJaxpr
from safetensors.numpy import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
TWINS = pathlib.Path(__file__).resolve().parent.parent / "Twins"
FACTOR = 8
FLOORS = {torch.float64: 2.0**-36, torch.float32: 2.0**-19, torch.bfloat16: 2.0**-5}
LARGEST_CONSTANT = 1024
KINK = 2.0**-10


class Failure(Exception):
    """A check that did not pass."""


def load_cases(folder):
    """The golden cases; where torch lacks torchvision's operators, as the tracer declares them."""
    tracer = ROOT / "Frontends/Torch/Tracer/entry.py"
    load_module(tracer).install_torchvision_hook()
    sys.path.insert(0, str(folder))
    return importlib.import_module("goldens")


def load_module(path):
    spec = importlib.util.spec_from_file_location(f"emitted_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def varied(weights, folder):
    """A copy of the weights in which none are all zeros or all ones, as a layer's are before training."""
    rng = numpy.random.default_rng(0)
    tensors = load_file(weights)
    for name, x in tensors.items():
        if x.dtype == numpy.float32 and x.size > 1 and (x == x.flat[0]).all():
            tensors[name] = x + rng.uniform(0.05, 0.15, x.shape).astype(x.dtype)
    copy = pathlib.Path(folder) / weights.name
    save_file(tensors, copy)
    return copy


class Source:
    """A PyTorch program with the weights of an emitted file."""

    def __init__(self, case, goldens, weights):
        target = getattr(goldens, case.name)
        if case.entry is not None:
            module, attribute = case.entry.split(":")
            target = getattr(importlib.import_module(module), attribute)
        self.target = target
        torch.manual_seed(0)
        if pathlib.Path(weights).stat().st_size > 16:
            self.target = target()
            self.load(weights)
            self.target.eval()
        self.inputs = getattr(goldens, case.factory)()
        if not isinstance(self.inputs, dict):
            names = inspect.signature(target).parameters
            self.inputs = dict(zip(names, self.inputs, strict=True))

    def load(self, weights):
        tensors = {
            name.removeprefix("params.").removeprefix("state."): torch.from_numpy(value)
            for name, value in load_file(weights).items()
        }
        saved = self.target.state_dict(keep_vars=True)
        own = dict(self.target.named_buffers()) | saved
        with torch.no_grad():
            for name, tensor in tensors.items():
                own[name].copy_(tensor)
        written = {own[name].data_ptr() for name in tensors}
        missing = [
            name
            for name, value in saved.items()
            if value.data_ptr() not in written and not name.endswith("tracked")
        ]
        if missing:
            raise Failure(f"the weights lack {', '.join(missing)}")

    @property
    def is_module(self):
        return isinstance(self.target, torch.nn.Module)

    def corner(self, extent):
        """The inputs with no more than a corner of images, or all if the extent is None."""
        return {
            name: x if extent is None or x.ndim != 4 else x[:, :, :extent, :extent]
            for name, x in self.inputs.items()
        }

    def run(self, dtype, cotangents=None, inputs=None):
        """Named outputs, and with cotangents the gradients of parameters and inputs."""
        target = self.target
        if self.is_module:
            target = copy.deepcopy(target).to(dtype)
        inputs = {
            name: x.to(dtype, copy=True).requires_grad_()
            if x.is_floating_point()
            else x
            for name, x in (inputs or self.inputs).items()
        }
        outputs = target(**inputs)
        outputs = dict(outputs) if isinstance(outputs, dict) else outputs
        if cotangents is None:
            return outputs, {}
        if not isinstance(outputs, dict):
            outputs = list(outputs) if isinstance(outputs, tuple) else [outputs]
        total = sum(
            (outputs[key] * torch.from_numpy(c).to(dtype)).sum()
            for key, c in cotangents.items()
        )
        total.backward()
        gradients = {name: x.grad for name, x in inputs.items() if x.requires_grad}
        if self.is_module:
            gradients |= {name: p.grad for name, p in target.named_parameters()}
        return outputs, {k: g for k, g in gradients.items() if g is not None}


class Program:
    """An emitted file: its function of parameters and inputs, in inference."""

    def __init__(self, path, name, weights, inputs):
        module = load_module(path)
        self.function = getattr(module, name)
        self.names = list(inspect.signature(self.function).parameters)
        self.has_state = "state" in self.names
        returned = typing.get_args(inspect.signature(self.function).return_annotation)
        self.returns_state = self.has_state and returned[1:] == (dict,)
        self.params, self.state = {}, {}
        if hasattr(module, "load_params"):
            loaded = module.load_params(str(weights))
            self.params, self.state = loaded if self.has_state else (loaded, {})
        self.inputs = {k: jnp.asarray(x.numpy()) for k, x in inputs.items()}

    def __call__(self, params, inputs, state=None, **keywords):
        arguments = [params] if "params" in self.names else []
        if self.has_state:
            arguments.append(self.state if state is None else state)
        result = self.function(*arguments, **inputs, **keywords)
        return result[0] if self.returns_state else result


def flatten(outputs):
    """Tensors by name or number."""
    if isinstance(outputs, dict):
        return {k: v for k, v in outputs.items() if hasattr(v, "dtype")}
    if isinstance(outputs, (tuple, list)):
        return dict(enumerate(outputs))
    return {0: outputs}


def paths(tree, prefix=""):
    """The arrays of nested dicts and lists by dotted path."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    found = {}
    for key, value in items:
        nested = isinstance(value, (dict, list))
        found |= (
            paths(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value}
        )
    return found


def array(tensor):
    if isinstance(tensor, torch.Tensor):
        return tensor.detach().double().numpy()
    return numpy.asarray(tensor).astype(numpy.float64)


def compare(what, target, source, reference, dtype=torch.float32):
    """The error of the target; raises where it is more than a few times the source's own."""
    target, source, reference = array(target), array(source), array(reference)
    if target.shape != reference.shape:
        raise Failure(f"{what} is {target.shape}, not {reference.shape}")
    scale = numpy.abs(reference).max(initial=0)
    if not numpy.isfinite(target[numpy.isfinite(reference)]).all():
        raise Failure(f"{what} is not finite")
    finite = numpy.isfinite(reference)
    error = numpy.abs(target - reference)[finite].max(initial=0)
    own = numpy.abs(source - reference)[finite].max(initial=0)
    if error > max(FACTOR * own, FLOORS[dtype] * scale):
        raise Failure(
            f"{what} is off by {error / scale:.0e}, PyTorch by {own / scale:.0e}"
        )
    return float(error / scale) if scale else 0.0


def close(what, actual, expected):
    """Raises unless two trees are equal but for rounding."""
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        a, b = array(a), array(b)
        scale = numpy.abs(b).max(initial=0)
        if not numpy.abs(a - b).max(initial=0) <= 1e-4 * max(scale, 1e-3):
            raise Failure(f"{what} changes the result")


def compare_gradients(loss, program, arguments, gradient, own, reference):
    """The errors of gradients by parameters and inputs, in float64 where rounding decides a kink."""

    def errors(trees, own, dtype):
        gradients = paths(trees[0]) | trees[1]
        return [
            compare(f"gradient of {k}", g, own[k], reference[k], dtype)
            for k, g in gradients.items()
            if k in reference
        ]

    try:
        return errors(gradient, own, torch.float32)
    except Failure:
        gradients = paths(gradient[0]) | gradient[1]
        if not all(is_near(g, reference[k]) for k, g in gradients.items() if k in own):
            raise
    with jax.enable_x64(True):
        doubled = jax.tree.map(
            lambda x: jnp.asarray(numpy.asarray(x), jnp.float64),
            (arguments, program.state),
        )

        def forward(params, inputs):
            return program(params, inputs, doubled[1])

        exact = jax.grad(lambda p, x: loss(p, x, forward), (0, 1))
        return errors(jax.jit(exact)(*doubled[0]), reference, torch.float64)


def is_near(gradient, reference):
    """Whether rounding, at a kink, may be all that parts two gradients."""
    gradient, reference = array(gradient), array(reference)
    return numpy.linalg.norm(gradient - reference) <= KINK * numpy.linalg.norm(
        reference
    )


def largest_constant(jaxpr):
    """The bytes of the largest constant in a closed jaxpr and those inside of it."""
    sizes = [numpy.asarray(c).nbytes for c in jaxpr.consts]
    for equation in jaxpr.jaxpr.eqns:
        for value in jax.tree.leaves(
            list(equation.params.values()),
            is_leaf=lambda x: isinstance(x, ClosedJaxpr),
        ):
            if isinstance(value, ClosedJaxpr):
                sizes.append(largest_constant(value))
    return max(sizes, default=0)


def check(source, program, corner):
    """What is said of a program that passes; in bfloat16 it runs on corners of images."""
    params, inputs = program.params, program.inputs
    is_float = {k: jnp.issubdtype(x.dtype, jnp.inexact) for k, x in inputs.items()}
    floating = {k: x for k, x in inputs.items() if is_float[k]}
    others = {k: x for k, x in inputs.items() if not is_float[k]}

    outputs = flatten(jax.jit(program)(params, inputs))
    rng = numpy.random.default_rng(0)
    cotangents = {
        k: rng.standard_normal(x.shape).astype(numpy.float32)
        for k, x in outputs.items()
        if jnp.issubdtype(x.dtype, jnp.inexact)
    }
    wide, wide_gradients = source.run(torch.float64, cotangents)
    own, own_gradients = source.run(torch.float32, cotangents)
    wide, own = flatten(wide), flatten(own)
    errors = [compare(f"output {k}", x, own[k], wide[k]) for k, x in outputs.items()]

    def loss(params, floating, forward=program):
        outputs = flatten(forward(params, floating | others))
        return sum((outputs[k] * c).sum() for k, c in cotangents.items())

    notes = [f"outputs {max(errors):.0e}"]
    gradient = jax.jit(jax.grad(loss, (0, 1)))(params, floating)
    slopes = compare_gradients(
        loss, program, (params, floating), gradient, own_gradients, wide_gradients
    )
    notes.append(f"gradients {max(slopes, default=0):.0e}")

    rematerialised = jax.grad(lambda p, x: loss(p, x, jax.checkpoint(program)), (0, 1))
    close("jax.checkpoint", jax.jit(rematerialised)(params, floating), gradient)

    stacked = {k: jnp.stack([x, jnp.flip(x, 0)]) for k, x in inputs.items()}
    mapped = jax.jit(jax.vmap(program, (None, 0)))(params, stacked)
    close("jax.vmap", jax.tree.map(lambda x: x[0], flatten(mapped)), outputs)

    jaxpr = jax.make_jaxpr(program)(params, inputs, program.state)
    if (size := largest_constant(jaxpr)) > LARGEST_CONSTANT:
        raise Failure(f"a constant of {size} bytes is part of the program")

    def low(tree):
        return jax.tree.map(
            lambda x: (
                x.astype(jnp.bfloat16) if jnp.issubdtype(x.dtype, jnp.floating) else x
            ),
            tree,
        )

    part = source.corner(corner)
    wide_part, own_part = (
        flatten(source.run(dtype, inputs=part)[0])
        for dtype in (torch.float64, torch.bfloat16)
    )
    part = {k: jnp.asarray(x.numpy()) for k, x in part.items()}
    short = jax.jit(program)(low(params), low(part), low(program.state))
    errors = [
        compare(f"bfloat16 output {k}", x, own_part[k], wide_part[k], torch.bfloat16)
        for k, x in flatten(short).items()
    ]
    notes += ["jit, grad, checkpoint, vmap, make_jaxpr", f"bfloat16 {max(errors):.0e}"]

    keywords = {}
    if "rng" in program.names:
        keywords["rng"] = jax.random.key(0)
    if "train" in program.names:
        keywords["train"] = True
    if keywords:
        trained = flatten(
            jax.jit(lambda p, x: program(p, x, **keywords))(params, inputs)
        )
        if not all(jnp.isfinite(x).all() for x in trained.values()):
            raise Failure("training gives something that is not finite")
        if all((trained[k] == outputs[k]).all() for k in trained):
            raise Failure("training and inference give the same")
        notes.append("train")
    return ", ".join(notes)


def report(name, source, program, corner):
    started = time.perf_counter()
    try:
        passed, note = True, check(source, program, corner)
    except Failure as failure:
        passed, note = False, str(failure)
    except Exception:  # noqa: BLE001 (whatever an emitted file raises is what came of it)
        passed, note = False, traceback.format_exc().strip().replace("\n", " | ")[-600:]
    seconds = time.perf_counter() - started
    line = {"name": name, "passed": passed, "note": note, "seconds": seconds}
    print(json.dumps(line), flush=True)
    return passed


def run(case, goldens, emitted, temporary):
    """Check a golden and its twin, on the same weights; whether both pass."""
    emitted /= case.name
    try:
        weights = varied(emitted / f"{case.name}.safetensors", temporary)
        source = Source(case, goldens, weights)
    except (Failure, KeyError, RuntimeError) as failure:
        line = {"name": case.name, "passed": False, "note": repr(failure)}
        print(json.dumps(line | {"seconds": 0.0}), flush=True)
        return False
    corner = goldens.BFLOAT16_CORNERS.get(case.name)
    passed = True
    for title, path in (
        (case.name, emitted / f"{case.name}.py"),
        (f"{case.name} twin", TWINS / f"{case.name}.py"),
    ):
        if path.exists():
            program = Program(path, case.name, weights, source.inputs)
            passed &= report(title, source, program, corner)
    return passed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=pathlib.Path, required=True)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    goldens = load_cases(arguments.cases)
    passed = True
    with tempfile.TemporaryDirectory() as folder:
        for case in goldens.CASES:
            if not arguments.names or case.name in arguments.names:
                passed &= run(case, goldens, arguments.folder, folder)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
