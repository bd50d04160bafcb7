"""Example inputs: read specifications such as `x=f32[N,3,224,224]`, call input factories, flatten nested containers.

Loaded as `graft_torch_inputs`, after `graft_torch_entry`.

A specification is `[name=]dtype[dims][:low..high]`, or `name=` and a Python literal for an argument that is not a
tensor. A dimension is a number, a symbol `N` (dynamic), or `N=8` (dynamic, traced with 8).
"""

import ast
import dataclasses
import inspect
import re

import torch
from graft_torch_entry import GraftError, look_up, one_line, seed, user_traceback

SHORT_DTYPES = {
    "f64": "float64", "f32": "float32", "f16": "float16", "bf16": "bfloat16",
    "i64": "int64", "i32": "int32", "i16": "int16", "i8": "int8",
    "u64": "uint64", "u32": "uint32", "u16": "uint16", "u8": "uint8",
    "bool": "bool", "c64": "complex64", "c128": "complex128",
}  # fmt: skip
DTYPE_NAMES = frozenset(SHORT_DTYPES.values())
_SPEC = re.compile(
    r"(?:(?P<name>[A-Za-z_]\w*)=)?(?P<dtype>[a-z]+\d*)(?:\[(?P<dims>[^\]]*)\])?(?::(?P<range>.*))?"
)
_DIM = re.compile(r"(?P<symbol>[A-Za-z_]\w*)(?:=(?P<size>\d+))?|(?P<number>\d+)")


def dtype_name(dtype):
    """`float32` for `torch.float32`."""
    return str(dtype).removeprefix("torch.")


@dataclasses.dataclass
class TensorSpec:
    """A tensor to make: `dims` holds numbers and symbols."""

    dtype: str
    dims: list
    low: float | None = None
    high: float | None = None


@dataclasses.dataclass
class Inputs:
    """What the model is called with. `arguments` maps argument names to values that hold `Leaf`s in place of tensors;
    `leaves` are the tensors in order; `names` their names; `symbols` maps a leaf and dimension to the user's symbol.
    `ranges` holds the range, or None, of each leaf that was made from a specification."""

    arguments: dict
    leaves: list
    names: list
    symbols: dict
    sizes: dict
    ranges: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Leaf:
    """The place of the k-th tensor in a nested value."""

    index: int


def bad_spec(text, reason):
    return GraftError(
        "input-syntax",
        f"cannot read the input `{text}`: {reason}",
        "write it as 'x=f32[N,3,224,224]', 'ids=i64[N,T]:0..30522' or 'causal=True'",
    )


def parse_spec(text):
    """One specification as (name or None, TensorSpec or literal)."""
    match = _SPEC.fullmatch(text.strip())
    dtype = match and SHORT_DTYPES.get(match["dtype"], match["dtype"])
    if match is None or dtype not in DTYPE_NAMES:
        name, equals, literal = text.strip().partition("=")
        if not equals or not name.isidentifier():
            if match is not None:
                raise bad_spec(text, f"there is no dtype `{match['dtype']}`")
            raise bad_spec(text, "it is neither a tensor nor name=value")
        try:
            return name, ast.literal_eval(literal)
        except (SyntaxError, ValueError):
            if re.fullmatch(r"[a-z]+\d*\[.*", literal):
                raise bad_spec(
                    text, f"there is no dtype `{literal.partition('[')[0]}`"
                ) from None
            raise bad_spec(text, "the value is not a Python literal") from None
    dims = []
    for part in filter(None, (d.strip() for d in (match["dims"] or "").split(","))):
        dim = _DIM.fullmatch(part)
        if dim is None:
            raise bad_spec(text, f"`{part}` is neither a number nor a symbol")
        dims.append(
            int(dim["number"])
            if dim["number"]
            else (dim["symbol"], int(dim["size"]) if dim["size"] else None)
        )
    spec = TensorSpec(dtype, dims)
    if match["range"]:
        try:
            low, high = match["range"].split("..")
            spec.low, spec.high = float(low), float(high)
        except ValueError:
            raise bad_spec(
                text, f"`{match['range']}` is not a range such as 0..30522"
            ) from None
    return match["name"], spec


def make_tensor(spec, shape, generator):
    """Random values: standard normal floats, integers from 0 to 1, unless a range [low, high) is given."""
    dtype = getattr(torch, spec.dtype)
    low = 0 if spec.low is None else spec.low
    if dtype == torch.bool:
        return torch.rand(shape, generator=generator) < 0.5
    if dtype.is_complex:
        return torch.randn(shape, generator=generator, dtype=dtype)
    if dtype.is_floating_point:
        if spec.high is None:
            return torch.randn(shape, generator=generator).to(dtype)
        return (low + (spec.high - low) * torch.rand(shape, generator=generator)).to(
            dtype
        )
    high = 2 if spec.high is None else spec.high
    if high <= low:
        raise GraftError(
            "input-range",
            f"the range {low:g}..{high:g} is empty",
            "the upper end is not included",
        )
    wide = torch.randint(int(low), int(high), shape, generator=generator)
    return wide.to(dtype)


def _bind(entry, args, kwargs):
    """Match values with forward's parameters: an ordered {argument name: value}."""
    try:
        bound = entry.signature.bind(*args, **kwargs)
    except TypeError as error:
        raise inputs_missing(entry, f"{error}") from None
    except ValueError:
        return {**{f"arg{i}": a for i, a in enumerate(args)}, **kwargs}
    arguments = {}
    for name, value in bound.arguments.items():
        kind = entry.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            arguments.update(value)
        else:
            arguments[name] = value
    return arguments


def inputs_missing(entry, reason):
    """The error for inputs that do not fit: says what forward takes."""
    what = (
        f"{entry.name}{entry.signature}"
        if entry.kind == "function"
        else f"{entry.name}.forward{entry.signature}"
    )
    return GraftError(
        "inputs-missing",
        f"the inputs do not fit {what}: {reason}",
        "give each tensor with --input 'name=f32[N,3]', or a function that returns them with --inputs FILE.py:FUNC",
    )


def call_arguments(entry, arguments):
    """Undo `_bind`: the (args, kwargs) that call the entry with these arguments."""
    try:
        parameters = entry.signature.parameters
    except ValueError:
        return list(arguments.values()), {}
    args, kwargs, positional = [], {}, True
    variadic = any(
        p.kind is p.VAR_POSITIONAL and name in arguments
        for name, p in parameters.items()
    )
    for name, value in arguments.items():
        kind = (
            parameters[name].kind
            if name in parameters
            else inspect.Parameter.VAR_KEYWORD
        )
        if kind is inspect.Parameter.VAR_POSITIONAL:
            args.extend(value)
        elif kind is inspect.Parameter.POSITIONAL_ONLY or (
            kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
            and (variadic or positional)
            and not kwargs
        ):
            index = list(parameters).index(name)
            positional = positional and index == len(args)
            if positional or variadic:
                args.append(value)
            else:
                kwargs[name] = value
        else:
            kwargs[name] = value
    return args, kwargs


def flatten(value, leaves, names, name):
    """Replace each tensor by a `Leaf`, appending it to `leaves`. Tensor identity is not preserved."""
    if isinstance(value, torch.Tensor):
        leaves.append(value)
        names.append(name)
        return Leaf(len(leaves) - 1)
    if isinstance(value, dict):
        items = {k: flatten(v, leaves, names, f"{name}.{k}") for k, v in value.items()}
        return rebuild(value, items)
    if isinstance(value, (tuple, list)):
        return rebuild(
            value,
            [flatten(v, leaves, names, f"{name}.{i}") for i, v in enumerate(value)],
        )
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return rebuild(
            value,
            {k: flatten(v, leaves, names, f"{name}.{k}") for k, v in fields.items()},
        )
    return value


def rebuild(like, items):
    """A container of the type of `like` with other items."""
    if isinstance(like, tuple) and hasattr(like, "_fields"):
        return type(like)(*items)
    if type(like) in (tuple, list, dict):
        return type(like)(items)
    import copy

    other = copy.copy(like)
    if dataclasses.is_dataclass(like):
        for key, item in items.items():
            object.__setattr__(other, key, item)
            if isinstance(other, dict):
                dict.__setitem__(other, key, item)
        return other
    if isinstance(like, dict):
        for key, item in items.items():
            other[key] = item
        return other
    return type(like)(items)


def unflatten(value, leaves):
    """Put tensors back where `flatten` left `Leaf`s."""
    if isinstance(value, Leaf):
        return leaves[value.index]
    if isinstance(value, dict):
        return rebuild(value, {k: unflatten(v, leaves) for k, v in value.items()})
    if isinstance(value, (tuple, list)):
        return rebuild(value, [unflatten(v, leaves) for v in value])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return rebuild(
            value,
            {
                f.name: unflatten(getattr(value, f.name), leaves)
                for f in dataclasses.fields(value)
            },
        )
    return value


def choose_sizes(specs, attempt):
    """A size for each symbol: the user's, else distinct primes, larger with each attempt."""
    sizes, taken = {}, set()
    for spec in specs:
        for dim in spec.dims:
            if isinstance(dim, tuple):
                taken.add(dim[1])
            else:
                taken.add(dim)
    for spec in specs:
        for dim in spec.dims:
            if isinstance(dim, tuple) and dim[1] is not None:
                sizes[dim[0]] = dim[1]
    bases = (
        (2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13),
        (7, 8, 9, 10, 11, 12, 13, 14, 15),
        (16, 24, 32, 40),
        (64, 96, 128),
    )
    free = [s for s in bases[attempt] if s not in taken] + [
        s for s in range(129, 400) if s not in taken
    ]
    for spec in specs:
        for dim in spec.dims:
            if isinstance(dim, tuple) and dim[0] not in sizes:
                sizes[dim[0]] = free.pop(0)
    return sizes


ATTEMPTS = 4


def has_free_sizes(texts):
    """Whether a specification has a symbol without a size of its own."""
    specs = [
        value for _, value in map(parse_spec, texts) if isinstance(value, TensorSpec)
    ]
    return any(
        isinstance(d, tuple) and d[1] is None for spec in specs for d in spec.dims
    )


def from_specs(entry, texts, attempt, dynamic=None):
    """Inputs from specifications; `attempt` 0, 1, ... chooses larger and larger sizes for symbols without one."""
    parsed = [parse_spec(text) for text in texts]
    tensor_specs = [value for _, value in parsed if isinstance(value, TensorSpec)]
    sizes = choose_sizes(tensor_specs, attempt)
    generator = torch.Generator().manual_seed(0)
    args, kwargs, shapes, ranges = [], {}, {}, {}
    for name, value in parsed:
        if isinstance(value, TensorSpec):
            shape = [sizes[d[0]] if isinstance(d, tuple) else d for d in value.dims]
            tensor = make_tensor(value, shape, generator)
            ranges[id(tensor)] = None if value.high is None else [value.low, value.high]
            shapes[id(tensor)] = [
                d[0] if isinstance(d, tuple) else None for d in value.dims
            ]
            value = tensor
        if name is None:
            args.append(value)
        else:
            kwargs[name] = value
    inputs = _collect(_bind(entry, args, kwargs))
    for index, leaf in enumerate(inputs.leaves):
        if id(leaf) in ranges:
            inputs.ranges[index] = ranges[id(leaf)]
        for axis, symbol in enumerate(shapes.get(id(leaf), [])):
            if symbol is not None:
                inputs.symbols[index, axis] = symbol
    inputs.sizes = sizes
    apply_dynamic(inputs, dynamic)
    return inputs


def from_factory(entry, spec, dynamic):
    """Inputs from a function that returns a tuple of arguments or a dict of keyword arguments."""
    factory, _ = look_up(spec)
    seed()
    try:
        made = factory()
    except Exception as error:
        text, where = user_traceback(error)
        raise GraftError(
            "inputs-raised", f"{spec} raised {one_line(error)} at {where}", None, text
        ) from error
    if isinstance(made, dict):
        arguments = _bind(entry, (), made)
    else:
        arguments = _bind(
            entry, made if isinstance(made, (tuple, list)) else (made,), {}
        )
    inputs = _collect(arguments)
    apply_dynamic(inputs, dynamic)
    return inputs


def apply_dynamic(inputs, dynamic):
    """Mark dimensions as dynamic from entries such as `input_ids=N,T`; `_` or a number leaves a dimension static.

    The name of a list, tuple or dict of tensors stands for each of them.
    """
    for text in dynamic or []:
        name, equals, dims = (part.strip() for part in text.partition("="))
        chosen = [
            index
            for index, known in enumerate(inputs.names)
            if known == name or known.startswith(f"{name}.")
        ]
        if not equals or not chosen:
            known = ", ".join(inputs.names)
            raise GraftError(
                "dynamic-unknown",
                f"`{text}` names no input",
                f"write it as NAME=N,T; the inputs are: {known}",
            )
        for index in chosen:
            _mark_dynamic(inputs, index, text, [d.strip() for d in dims.split(",")])


def _mark_dynamic(inputs, index, text, parts):
    """Mark the dimensions of one tensor, of which there is a part each in an entry."""
    name, leaf = inputs.names[index], inputs.leaves[index]
    if len(parts) != leaf.dim():
        raise GraftError(
            "dynamic-rank",
            f"`{text}` gives {len(parts)} dimensions, but {name} has shape {list(leaf.shape)}",
            "give one entry per dimension, `_` for a static one",
        )
    for axis, part in enumerate(parts):
        if part == "_" or part.isdigit():
            inputs.symbols.pop((index, axis), None)
            continue
        if not part.isidentifier():
            raise bad_spec(text, f"`{part}` is not a symbol")
        inputs.symbols[index, axis] = part
        size = inputs.sizes.setdefault(part, leaf.shape[axis])
        if size != leaf.shape[axis]:
            raise GraftError(
                "dynamic-sizes",
                f"the symbol {part} stands for {size} in one place and {leaf.shape[axis]} in {name}",
                "use a different symbol for each size",
            )


def _collect(arguments):
    leaves, names = [], []
    flat = {
        name: flatten(value, leaves, names, name) for name, value in arguments.items()
    }
    return Inputs(flat, leaves, names, {}, {})
