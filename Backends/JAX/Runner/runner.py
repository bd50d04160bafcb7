"""Run an emitted JAX module for verification: outputs, gradients, new state and watched values.

Loaded as `graft_jax_runner`, after `graft_jax_draws`.
"""

import functools
import importlib.util
import inspect
import json
import time
import typing

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy
from graft_jax_draws import replaced_draws


class GraftError(Exception):
    """A failure that the user can do something about."""

    def __init__(self, code, message, remedy=None, details=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.details = details


def run(request, tensors):
    """Run the function of an emitted file once; the reply describes the tensors returned beside it."""
    request = json.loads(request)
    jax.config.update("jax_enable_x64", bool(request.get("x64")))
    program = Program.load(request)
    reply = Reply()
    started = time.perf_counter()
    with replaced_draws(int(request.get("draws") or 0)):
        program.execute(request, tensors, reply)
    reply.document["seconds"] = time.perf_counter() - started
    return json.dumps(reply.document), reply.tensors


def versions(_request, _tensors):
    """The versions that a run would use."""
    return json.dumps({"jax": jax.__version__}), {}


class Reply:
    """The reply document and its tensors."""

    def __init__(self):
        self.document = {
            "outputs": [],
            "input_gradients": [],
            "parameter_gradients": {},
            "state": {},
            "modules": {},
            "changed": [],
            "vmap": [],
            "seconds": 0.0,
        }
        self.tensors = {}

    def add(self, name, value):
        """Return an array under `name`; gives its description."""
        array = numpy.ascontiguousarray(numpy.asarray(value))
        shape = numpy.shape(value)
        self.tensors[name] = array.reshape(-1).view(numpy.uint8)
        return {"dtype": array.dtype.name, "shape": list(shape)}


class Program:
    """An emitted file with its weights."""

    loaded: typing.ClassVar[dict] = {}

    def __init__(self, request):
        spec = importlib.util.spec_from_loader("graft_emitted", loader=None)
        self.module = importlib.util.module_from_spec(spec)
        with open(request["module"], encoding="utf-8") as file:
            self.source = file.read()
        code = compile(self.source, request["module"], "exec")
        exec(code, self.module.__dict__)  # noqa: S102 (running the emitted file is the purpose)
        name = request["function"]
        self.function = getattr(self.module, name, None)
        if self.function is None:
            raise GraftError(
                "function-missing", f"{request['module']} has no function {name}"
            )
        self.arguments = inspect.signature(self.function).parameters
        self.params, self.state = {}, {}
        if hasattr(self.module, "load_params"):
            loaded = self.module.load_params(request["weights"])
            if "state" in self.arguments:
                self.params, self.state = loaded
            else:
                self.params = loaded
        self.stacks = [Stack(**described) for described in request.get("stacks") or []]
        self.wide = bool(request.get("wide"))
        if self.wide:
            self.widen()

    def widen(self):
        """Compute in float64 from here on, whatever dtype the file names."""
        for name, value in list(vars(self.module).items()):
            if value is jnp:
                setattr(self.module, name, WideNumPy())
        self.params, self.state = jax.tree.map(widened, (self.params, self.state))

    @classmethod
    def load(cls, request):
        options = (bool(request.get("x64")), bool(request.get("wide")))
        key = (request["module"], request["weights"], *options)
        if request.get("fresh") or key not in cls.loaded:
            jax.clear_caches()
            cls.loaded = {key: cls(request)}
        return cls.loaded[key]

    def execute(self, request, tensors, reply):
        leaves = [
            read(tensors[f"input.{k}"], described)
            for k, described in enumerate(request["inputs"])
        ]
        if self.wide:
            leaves = [widened(x) for x in leaves]
        if request.get("pullback"):
            return self.pull_back(request, leaves, tensors, reply)
        train = request.get("mode") == "train"
        wanted = bool(request.get("gradients"))
        floating = [k for k, x in enumerate(leaves) if wanted and is_inexact(x)]
        trainable = set(request.get("trainable") or [])
        flat = unstacked(dict(flatten_paths(self.params)), self.stacks)
        chosen = {p: x for p, x in flat.items() if wanted and p in trainable}

        def call(parameters, values):
            filled = list(leaves)
            for k, value in zip(floating, values):
                filled[k] = value
            outputs, state, watched = self.call(request, parameters, filled, train)
            differentiable = [x for x in outputs if is_inexact(x)]
            return differentiable, (outputs, state, watched)

        values = [leaves[k] for k in floating]
        cotangents = {
            k: tensors[f"cotangent.{k}"]
            for k in range(len(request["outputs"]))
            if f"cotangent.{k}" in tensors
        }

        def differentiated(parameters, values):
            found, pullback, aux = jax.vjp(call, parameters, values, has_aux=True)
            indices = [k for k, x in enumerate(aux[0]) if is_inexact(x)]
            given = [read_cotangent(cotangents[k], x) for k, x in zip(indices, found)]
            return aux, pullback(given)

        if wanted and cotangents:
            aux, (by_path, by_value) = jax.jit(differentiated)(chosen, values)
        else:
            _, aux = jax.jit(call)(chosen, values)
            by_path, by_value = {}, []
        gradients = Gradients(
            {k: conjugate(value) for k, value in zip(floating, by_value)},
            {path: conjugate(value) for path, value in by_path.items()},
        )
        self.report(reply, request, *aux, gradients)
        if request.get("vmap"):
            self.vectorise(reply, request, leaves)

    def pull_back(self, request, leaves, tensors, reply):
        """Run a function that takes cotangents too, and returns gradients after its outputs."""
        described = request["pullback"]
        train = request.get("mode") == "train"
        cotangents = [
            read(tensors[f"cotangent.{c['output']}"], c["given"]).astype(c["dtype"])
            for c in described["cotangents"]
        ]
        if self.wide:
            cotangents = [widened(x) for x in cotangents]

        def call(parameters, values):
            return self.call(request, parameters, values, train)[:2]

        parameters = dict(flatten_paths(self.params))
        results, state = jax.jit(call)(parameters, leaves + cotangents)
        gradients = Gradients(
            {g["input"]: results[g["result"]] for g in described["inputs"]},
            {path: results[k] for path, k in described["parameters"].items()},
        )
        outputs = results[: described["outputs"]]
        self.report(reply, request, outputs, state, {}, gradients)

    def vectorise(self, reply, request, leaves):
        """Outputs of the function mapped over two sets of inputs, and of a loop over them."""
        plain = {**request, "watch": []}
        sets = [leaves, [jnp.flip(x) for x in leaves]]

        def call(values):
            return self.call(plain, {}, list(values), False)[0]

        mapped = jax.jit(jax.vmap(call))([jnp.stack(pair) for pair in zip(*sets)])
        looped = [jax.jit(call)(values) for values in sets]
        for k, value in enumerate(mapped):
            reply.add(f"loop.{k}", jnp.stack([outputs[k] for outputs in looped]))
            reply.document["vmap"].append(reply.add(f"vmap.{k}", value))

    def call(self, request, parameters, leaves, train):
        """The emitted function's outputs, flattened as the request's tree says, new state and watched values."""
        positional = []
        params = replace_paths(self.params, self.stacked(parameters))
        if "params" in self.arguments:
            positional.append(params)
        if "state" in self.arguments:
            positional.append(self.state)
        positional += [
            build(tree, leaves)
            for _, tree in request["structure"]["dict"]
            if has_leaf(tree)
        ]
        keywords = {}
        rng = self.arguments.get("rng")
        # A program that draws in both modes has a key for which there is no default.
        if rng and (train or rng.default is rng.empty or request.get("draws_in_eval")):
            keywords["rng"] = jax.random.key(0)
        if "train" in self.arguments:
            keywords["train"] = train
        watcher = Watcher(self, params, request.get("watch") or [])
        with watcher:
            result = self.function(*positional, **keywords)
        state = {}
        if returns_state(self.function):
            result, new_state = result
            state = dict(flatten_paths(new_state))
        outputs = [None] * len(request["outputs"])
        collect(request["result"], result, outputs)
        return outputs, state, watcher.values

    def stacked(self, parameters):
        """Parameters under the names that they have in the file's tree, for some under those in the source."""
        if not self.stacks or not parameters:
            return parameters
        flat = unstacked(dict(flatten_paths(self.params)), self.stacks)
        return restacked(flat | parameters, self.stacks)

    def report(self, reply, request, outputs, state, watched, gradients):
        document = reply.document
        document["outputs"] = [
            reply.add(f"output.{k}", x) for k, x in enumerate(outputs)
        ]
        before = dict(flatten_paths(self.state))
        for path, value in state.items():
            changed = not numpy.array_equal(value, before[path], equal_nan=True)
            if changed:
                document["changed"].append(path)
            if changed or request.get("mode") == "train":
                document["state"][path] = reply.add(f"state.{path}", value)
        for path, value in watched.items():
            document["modules"][path] = reply.add(f"module.{path}", value)
        document["input_gradients"] = [
            reply.add(f"input_gradient.{k}", gradients.inputs[k])
            if k in gradients.inputs
            else None
            for k in range(len(request["inputs"]))
        ]
        for path, value in gradients.parameters.items():
            described = reply.add(f"parameter_gradient.{path}", value)
            document["parameter_gradients"][path] = described


class Gradients(typing.NamedTuple):
    """Gradients as PyTorch has them, by position of the input and by path of the parameter."""

    inputs: dict
    parameters: dict


class Stack:
    """Modules `path.member` whose parameters the file keeps stacked, at `path.position` or in the place of `path`."""

    def __init__(self, path, members, position=None):
        self.path = path
        self.members = members
        self.place = join(path, position or "")

    def taken_apart(self, arrays):
        """Arrays by path, with a path for each member in the place of the stack's."""
        result = {}
        for path, array in arrays.items():
            if is_within(path, self.place):
                rest = path[len(self.place) :].removeprefix(".")
                for member, part in zip(self.members, array, strict=True):
                    result[join(self.path, member, rest)] = part
            else:
                result[path] = array
        return result

    def put_together(self, arrays):
        """The inverse of `taken_apart`."""
        result, parts = {}, {}
        for path, array in arrays.items():
            rest = path.removeprefix(self.path).removeprefix(".")
            member, _, rest = rest.partition(".")
            if is_within(path, self.path) and member in self.members:
                place = join(self.place, rest)
                parts.setdefault(place, {})[member] = array
            else:
                result[path] = array
        for path, found in parts.items():
            result[path] = jnp.stack([found[member] for member in self.members])
        return result


def join(*parts):
    return ".".join(part for part in parts if part)


def is_within(path, place):
    return not place or path == place or path.startswith(f"{place}.")


def unstacked(arrays, stacks):
    """Arrays by their paths in the source; stacks may be within stacks."""
    for stack in sorted(stacks, key=lambda stack: len(stack.path)):
        arrays = stack.taken_apart(arrays)
    return arrays


def restacked(arrays, stacks):
    """The inverse of `unstacked`."""
    for stack in sorted(stacks, key=lambda stack: -len(stack.path)):
        arrays = stack.put_together(arrays)
    return arrays


class WideNumPy:
    """`jax.numpy` whose floating dtypes are all of 64 bits a component."""

    float16 = bfloat16 = float32 = jnp.float64
    complex64 = jnp.complex128

    def __getattr__(self, name):
        return getattr(jnp, name)


def widened(x):
    """A floating or complex array in float64 or complex128."""
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return x.astype(jnp.complex128)
    return x.astype(jnp.float64) if jnp.issubdtype(x.dtype, jnp.floating) else x


def returns_state(function):
    """Whether an emitted function returns its outputs and its new state."""
    annotation = inspect.signature(function).return_annotation
    return "state" in inspect.signature(function).parameters and typing.get_args(
        annotation
    )[1:] == (dict,)


class Watcher:
    """Records what the file's functions return for the modules whose parameters they are given.

    `paths` are those of the modules wanted; a function is taken to compute the module whose node of the parameter tree
    is its argument `params`.
    """

    def __init__(self, program, params, paths):
        self.values = {}
        self.module = program.module
        found = ((node_at(params, p), p) for p in paths)
        self.nodes = {id(node): p for node, p in found if node is not None}
        self.functions = {
            name: function
            for name, function in vars(program.module).items()
            if inspect.isfunction(function)
            and function is not program.function
            and next(iter(inspect.signature(function).parameters), "") == "params"
        }

    def watching(self, function):
        has_state = returns_state(function)

        @functools.wraps(function)
        def call(params, *args, **keywords):
            result = function(params, *args, **keywords)
            path = self.nodes.get(id(params))
            value = result[0] if has_state else result
            if path is not None and isinstance(value, jax.Array):
                self.values[path] = value
            return result

        return call

    def __enter__(self):
        for name, function in self.functions.items():
            setattr(self.module, name, self.watching(function))

    def __exit__(self, *_exception):
        for name, function in self.functions.items():
            setattr(self.module, name, function)


def node_at(tree, path):
    """The node of nested dicts and lists at a dotted path, or None."""
    for key in path.split("."):
        if isinstance(tree, list) and key.isdecimal() and int(key) < len(tree):
            tree = tree[int(key)]
        elif isinstance(tree, dict) and key in tree:
            tree = tree[key]
        else:
            return None
    return tree


def read(buffer, described):
    """An array from bytes."""
    name = described["dtype"]
    dtype = numpy.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else numpy.dtype(name)
    array = numpy.frombuffer(buffer, dtype=dtype).reshape(described["shape"])
    return jnp.asarray(array)


def read_cotangent(buffer, like):
    """A cotangent given in float64 (complex128), in the dtype of the output; JAX's are the conjugates of PyTorch's."""
    wide = numpy.complex128 if jnp.iscomplexobj(like) else numpy.float64
    array = numpy.frombuffer(buffer, dtype=wide).reshape(like.shape)
    return jnp.asarray(numpy.conj(array)).astype(like.dtype)


def conjugate(value):
    return numpy.conj(value) if numpy.iscomplexobj(value) else value


def is_inexact(value):
    return hasattr(value, "dtype") and jnp.issubdtype(value.dtype, jnp.inexact)


def flatten_paths(tree, prefix=""):
    """The arrays of nested dicts and lists by dotted path."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        if isinstance(value, (dict, list)):
            yield from flatten_paths(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def replace_paths(tree, values, prefix=""):
    """The tree with the arrays replaced that `values` names."""
    if isinstance(tree, dict):
        return {
            key: replace_paths(child, values, f"{prefix}{key}.")
            for key, child in tree.items()
        }
    if isinstance(tree, list):
        return [
            replace_paths(child, values, f"{prefix}{k}.")
            for k, child in enumerate(tree)
        ]
    return values.get(prefix[:-1], tree)


def has_leaf(tree):
    """Whether a structure holds a tensor."""
    if "leaf" in tree:
        return True
    return any(has_leaf(child) for child in children(tree))


def children(tree):
    for key in ("tuple", "list"):
        if key in tree:
            return tree[key]
    return [child for _, child in tree.get("dict") or tree.get("fields") or []]


def build(tree, leaves):
    """The nested argument that a structure describes."""
    if "leaf" in tree:
        return leaves[tree["leaf"]]
    if "tuple" in tree:
        return tuple(build(child, leaves) for child in tree["tuple"])
    if "list" in tree:
        return [build(child, leaves) for child in tree["list"]]
    if "dict" in tree or "fields" in tree:
        fields = tree.get("dict") or tree.get("fields") or []
        return {name: build(child, leaves) for name, child in fields}
    return tree.get("const")


def collect(tree, value, outputs):
    """Store the leaves of a nested result by number."""
    if "leaf" in tree:
        outputs[tree["leaf"]] = value
    elif "tuple" in tree or "list" in tree:
        for child, item in zip(children(tree), value):
            collect(child, item, outputs)
    elif "dict" in tree or "fields" in tree:
        for name, child in tree.get("dict") or tree.get("fields") or []:
            collect(child, value[name], outputs)
