"""Check operations one by one: trace a small PyTorch function, emit JAX for it, and compare outputs and gradients.

A family's file lists its cases with `case(...)` and ends in `main()`. Run it with the project's Python; `emit-trace` is
built by `swift build --product emit-trace` and found through $GRAFT_EMIT_TRACE or under .build.
"""

import contextlib
import importlib
import importlib.util
import inspect
import itertools
import json
import os
import pathlib
import subprocess
import sys
import types
import warnings

import numpy
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = []
NUMBERS = itertools.count()
# Both sides draw their random numbers from the stream with this seed.
DRAWS = 5
# An emitted function may be this many times further from float64 than PyTorch's own float32 is.
FACTOR = 8.0
FLOOR = 4e-6


class Case:
    """A function, example inputs, and what to compare."""

    def __init__(self, name, function, inputs, kwargs, options):
        self.name = name
        self.function = function
        self.inputs = inputs
        self.kwargs = kwargs
        self.options = options


def case(
    name,
    function,
    *inputs,
    gradients=True,
    train=None,
    tolerance=None,
    missing=None,
    emits=None,
    omits=None,
    **kwargs,
):
    """Add a case. `function` takes `inputs` (tensors, or nested structures of them) and the static `kwargs`.

    `function` may be a Module; `train` runs it in that mode (default: both, if it has one). `tolerance` is an absolute
    error relative to the largest element, only for results that are not determined better (say why beside it).
    `missing` says why the case cannot pass yet: it is run all the same, counted as skipped, and fails once it passes.
    `emits` is text that the emitted source has to contain, `omits` text that it must not.
    """
    options = {
        "gradients": gradients,
        "train": train,
        "tolerance": tolerance,
        "missing": missing,
        "emits": emits,
        "omits": omits,
    }
    CASES.append(Case(name, function, inputs, kwargs, options))


FOLDERS = {
    "graft_torch_": ROOT / "Frontends" / "Torch" / "Tracer",
    "graft_jax_": ROOT / "Backends" / "JAX" / "Runner",
}


class Embedded:
    """Finds the Python files that Graft embeds under the names that it gives them."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        for prefix, folder in FOLDERS.items():
            if name.startswith(prefix):
                file = folder / f"{name[len(prefix) :]}.py"
                return importlib.util.spec_from_file_location(name, file)
        return None


sys.meta_path.append(Embedded)


class Function(torch.nn.Module):
    """A function with static keyword arguments as a module."""

    def __init__(self, function, kwargs):
        super().__init__()
        self.function = function
        self.kwargs = kwargs

    def forward(self, *inputs):
        return self.function(*inputs, **self.kwargs)


def trace(case):
    """The trace document of a case, through the frontend's own entry point."""
    subject = case.function
    if not isinstance(subject, torch.nn.Module):
        subject = Function(subject, case.kwargs)
    # Entries are resolved once per name, so each case has one of its own.
    unique_name = f"graft_case_{next(NUMBERS)}"
    holder = types.ModuleType(unique_name)
    holder.subject = subject
    holder.inputs = lambda: case.inputs
    sys.modules[unique_name] = holder
    request = {
        "entry": f"{unique_name}:subject",
        "init": None,
        "inputs": {"factory": f"{unique_name}:inputs"},
        "dynamic": None,
        "name": "subject",
    }
    tracer = importlib.import_module("graft_torch_tracer")
    document, buffers = tracer.trace(json.dumps(request), {})
    return subject, document, buffers


def emitter():
    """A running emit-trace process."""
    path = os.environ.get("GRAFT_EMIT_TRACE")
    if not path:
        found = [ROOT / ".build" / kind / "emit-trace" for kind in ("release", "debug")]
        found = [p for p in found if p.exists()]
        if not found:
            sys.exit("emit-trace is not built: swift build --product emit-trace")
        path = str(max(found, key=lambda p: p.stat().st_mtime))
    return subprocess.Popen(
        [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def emit(process, document):
    """Emitted source, or an exception with the diagnostic."""
    process.stdin.write(document.replace("\n", " ") + "\n")
    process.stdin.flush()
    reply = json.loads(process.stdout.readline())
    if reply.get("error"):
        raise RuntimeError(reply["error"])
    return reply["source"]


def nest(flat):
    """Nested dicts of dotted names; children numbered from zero become lists, as emitted loaders do."""
    tree = {}
    for name, value in flat.items():
        *parents, leaf = name.split(".")
        node = tree
        for key in parents:
            node = node.setdefault(key, {})
        node[leaf] = value

    def lists(node):
        if not isinstance(node, dict):
            return node
        node = {k: lists(v) for k, v in node.items()}
        if node and set(node) == {str(i) for i in range(len(node))}:
            return [node[str(i)] for i in range(len(node))]
        return node

    return lists(tree)


def as_numpy(tensor):
    tensor = tensor.detach()
    if tensor.is_conj():
        tensor = tensor.resolve_conj()
    if tensor._is_zerotensor():
        tensor = torch.zeros(tensor.shape, dtype=tensor.dtype)
    if tensor.dtype == torch.bfloat16:
        return tensor.float().numpy()
    return tensor.numpy()


def differs(result, reference, single, tolerance):
    """What is wrong with `result`, or None: the reference is float64, `single` PyTorch's own float32 result."""
    result, reference = numpy.asarray(result), numpy.asarray(reference)
    if result.shape != reference.shape:
        return f"shape {result.shape} instead of {reference.shape}"
    if reference.dtype.kind in "biu":
        wrong = int((result.astype(reference.dtype) != reference).sum())
        return f"{wrong} of {reference.size} elements differ" if wrong else None
    wide = numpy.complex128 if reference.dtype.kind == "c" else numpy.float64
    result, reference, single = (
        numpy.asarray(a).astype(wide) for a in (result, reference, single)
    )
    if not numpy.array_equal(numpy.isnan(result), numpy.isnan(single)):
        return "NaN in other places"
    finite = numpy.isfinite(single)
    if not numpy.array_equal(
        result[~finite & ~numpy.isnan(single)], single[~finite & ~numpy.isnan(single)]
    ):
        return "infinities in other places"
    if not finite.any():
        return None
    scale = max(float(numpy.abs(reference[finite]).max()), 1e-30)
    error = float(numpy.abs(result - reference)[finite].max()) / scale
    own = float(numpy.abs(single - reference)[finite].max()) / scale
    allowed = tolerance if tolerance is not None else max(FACTOR * own, FLOOR)
    return f"error {error:.2e}, allowed {allowed:.2e}" if error > allowed else None


def check(case, process):
    """Problems of a case, by mode."""
    subject, document, tensors = trace(case)
    source = emit(process, document)
    module = types.ModuleType("emitted")
    exec(compile(source, f"<{case.name}>", "exec"), module.__dict__)  # noqa: S102
    case.source = source
    function = module.__dict__[json.loads(document)["entry"]["name"]]
    modes = [False, True] if case.options["train"] is None else [case.options["train"]]
    arguments = inspect.signature(function).parameters
    if case.options["train"] is None and not {"train", "rng"} & set(arguments):
        modes = [False]  # The emitted function is the same in both.
    problems = []
    emits, omits = case.options["emits"], case.options["omits"]
    if emits and emits not in source:
        problems.append(f"does not emit {emits}")
    if omits and omits in source:
        problems.append(f"emits {omits}")
    for train in modes:
        problem = compare(
            case, subject, function, train, read_constants(document, tensors)
        )
        if problem:
            problems.append(f"{'train' if train else 'eval'}: {problem}")
    return problems


def compare(case, subject, function, train, constants):
    """Outputs, gradients of inputs and parameters, and new state, of one mode."""
    import jax
    import torch.utils._pytree as pytree

    leaves, spec = pytree.tree_flatten(case.inputs)
    arguments = inspect.signature(function).parameters
    runs = []
    for wide in (True, False):
        runs.append(
            run_torch(case, subject, leaves, spec, train, wide, "rng" in arguments)
        )
    (outputs, gradients, state, cotangents), (outputs32, gradients32, state32, _) = runs
    named = {
        n: jax.numpy.asarray(as_numpy(p)) for n, p in unique(subject.named_parameters())
    }
    buffers = {n: jax.numpy.asarray(as_numpy(b)) for n, b in subject.named_buffers()}
    dtypes = [getattr(leaf, "dtype", None) for leaf in leaves]
    values = [
        jax.numpy.asarray(as_numpy(v)) if isinstance(v, torch.Tensor) else v
        for v in leaves
    ]
    values = [
        v.astype("bfloat16") if d == torch.bfloat16 else v
        for v, d in zip(values, dtypes)
    ]
    floating = [
        i
        for i, v in enumerate(leaves)
        if isinstance(v, torch.Tensor) and (v.is_floating_point() or v.is_complex())
    ]

    always_draws = isinstance(subject, Function) or (
        "rng" in arguments and arguments["rng"].default is inspect.Parameter.empty
    )
    replaced_draws = importlib.import_module("graft_jax_draws").replaced_draws
    returns_state = importlib.import_module("graft_jax_runner").returns_state(function)

    def call(parameters, differentiable):
        filled = list(values)
        for index, value in zip(floating, differentiable):
            filled[index] = value
        positional = []
        if "params" in arguments:
            positional.append(nest(parameters))
        if "state" in arguments:
            positional.append(nest(buffers | constants))
        inputs = pytree.tree_unflatten(filled, spec)
        inputs = [i for i in inputs if jax.tree.leaves(i)]
        if "inputs" in arguments:
            inputs = [tuple(inputs)]
        keywords = {}
        if "rng" in arguments and (train or always_draws):
            keywords["rng"] = jax.random.key(0)
        if "train" in arguments:
            keywords["train"] = train
        result = function(*positional, *inputs, **keywords)
        return result if returns_state else (result, {})

    differentiable = [values[i] for i in floating]
    wanted = bool(case.options["gradients"] and cotangents)

    def floats(parameters, differentiable):
        result, new_state = call(parameters, differentiable)
        found = [
            x
            for x in jax.tree.leaves(result)
            if jax.numpy.issubdtype(x.dtype, jax.numpy.inexact)
        ]
        return found, (result, new_state)

    def differentiated(parameters, differentiable):
        out, vjp, aux = jax.vjp(floats, parameters, differentiable, has_aux=True)
        given = [jax.numpy.asarray(c).astype(o.dtype) for c, o in zip(cotangents, out)]
        return aux, vjp(given)

    with replaced_draws(DRAWS):
        if wanted:
            compiled = jax.jit(differentiated)(named, differentiable)
            (result, new_state), (by_name, by_input) = compiled
        else:
            result, new_state = jax.jit(call)(named, differentiable)
    flat = [
        x for x in jax.tree.leaves(result, is_leaf=lambda x: x is None) if x is not None
    ]
    if len(flat) != len(outputs):
        return f"{len(flat)} outputs instead of {len(outputs)}"
    for index, (got, want, single) in enumerate(zip(flat, outputs, outputs32)):
        problem = differs(got, want, single, case.options["tolerance"])
        if problem:
            return f"output {index}: {problem}"
    flat_state = flatten_state(new_state)
    for name, want in state.items():
        if name in flat_state and not name.endswith("num_batches_tracked"):
            problem = differs(
                flat_state[name], want, state32[name], case.options["tolerance"]
            )
            if problem:
                return f"state {name}: {problem}"
    if not wanted:
        return None
    got = list(by_input) + [by_name[n] for n in named]
    names = [f"input {i}" for i in floating] + list(named)
    for name, value, want, single in zip(names, got, gradients, gradients32):
        value = numpy.asarray(value)
        if want is None:
            want = single = numpy.zeros(value.shape)
        # JAX's convention for complex gradients is the conjugate of PyTorch's.
        value = value.conj() if value.dtype.kind == "c" else value
        problem = differs(value, want, single, case.options["tolerance"])
        if problem:
            return f"gradient of {name}: {problem}"
    return None


def read_constants(document, tensors):
    """The tensors that the program holds beside its parameters and buffers, as emitted code reads them."""
    import jax

    constants = {}
    for described in json.loads(document)["constants"]:
        flat = numpy.asarray(tensors[described["name"]])
        array = flat.view(described["dtype"]).reshape(described["shape"])
        constants[f"constants.{described['name']}"] = jax.numpy.asarray(array)
    return constants


def unique(named):
    return list(named)


def flatten_state(tree, prefix=""):
    flat = {}
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        if isinstance(value, (dict, list)):
            flat |= flatten_state(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def run_torch(case, subject, leaves, spec, train, wide, draws):
    """PyTorch's outputs, gradients, state and the cotangents used, in float64 or as the case is."""
    import copy

    import torch.utils._pytree as pytree

    subject = copy.deepcopy(subject).train(train)
    if wide:
        subject = subject.double()
    inputs = []
    for leaf in leaves:
        if isinstance(leaf, torch.Tensor):
            leaf = leaf.detach().clone()
            if wide and leaf.is_floating_point():
                leaf = leaf.double()
            if wide and leaf.is_complex():
                leaf = leaf.to(torch.complex128)
            if case.options["gradients"] and (
                leaf.is_floating_point() or leaf.is_complex()
            ):
                leaf.requires_grad_(True)
        inputs.append(leaf)
    stream = contextlib.nullcontext()
    if draws:
        stream = importlib.import_module("graft_torch_draws").DrawStream(DRAWS, wide)
    plain_attention = importlib.import_module("graft_torch_capture").plain_attention
    with stream, plain_attention():
        result = subject(*pytree.tree_unflatten(inputs, spec))
    outputs = [x for x in pytree.tree_flatten(result)[0] if isinstance(x, torch.Tensor)]
    generator = torch.Generator().manual_seed(7)
    cotangents, targets = [], []
    for output in outputs:
        if output.is_floating_point() or output.is_complex():
            ct = torch.randn(output.shape, generator=generator, dtype=torch.float64)
            cotangents.append(ct.numpy())
            if output.requires_grad:
                targets.append((output, ct.to(output.dtype)))
    gradients = []
    variables = [
        x
        for x in inputs
        if isinstance(x, torch.Tensor) and (x.is_floating_point() or x.is_complex())
    ]
    variables += [p for _, p in unique(subject.named_parameters())]
    if case.options["gradients"] and variables:
        if targets:
            found = torch.autograd.grad(
                [t for t, _ in targets],
                variables,
                [c for _, c in targets],
                allow_unused=True,
            )
        else:
            found = [None] * len(variables)
        gradients = [None if g is None else as_numpy(g) for g in found]
    state = {n: as_numpy(b) for n, b in subject.named_buffers()}
    return [as_numpy(o) for o in outputs], gradients, state, cotangents


def main():
    """Run the listed cases; prints a line each and a count, and exits with 1 when one failed."""
    warnings.filterwarnings("ignore")
    wanted = sys.argv[1:]
    process = emitter()
    passed, failed, skipped = 0, 0, 0
    for item in CASES:
        if wanted and not any(w in item.name for w in wanted):
            continue
        try:
            problems = check(item, process)
        except Exception as error:  # noqa: BLE001 (any failure is the case's result)
            text = str(error).strip().splitlines()
            problems = [f"{type(error).__name__}: " + " | ".join(text[:3])[:400]]
            if os.environ.get("GRAFT_TRACEBACK"):
                import traceback

                traceback.print_exc()
        missing = item.options["missing"]
        if missing and problems:
            skipped += 1
            print(f"skip {item.name}: {missing}", flush=True)
        elif missing:
            failed += 1
            print(f"FAIL {item.name}: passes, but is listed as missing: {missing}")
        elif problems:
            failed += 1
            print(f"FAIL {item.name}: {'; '.join(problems)}")
            if wanted and hasattr(item, "source"):
                print(item.source)
        else:
            passed += 1
            print(f"ok   {item.name}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)
