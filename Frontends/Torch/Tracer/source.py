"""Run the source itself for verification: outputs, gradients, updated state and module outputs.

Loaded as `graft_torch_source`, after `graft_torch_branches`.
"""

import contextlib
import json
import time

import torch
from graft_torch_branches import interpreted_branches
from graft_torch_capture import plain_attention, rebound_buffers
from graft_torch_draws import WIDE, DrawStream
from graft_torch_entry import GraftError, one_line, resolve, user_traceback
from graft_torch_inputs import call_arguments, dtype_name, flatten, unflatten
from graft_torch_tracer import as_bytes, make_inputs


def run(request, tensors):
    """Run the entry once in the mode and dtype asked for; the reply describes the tensors returned beside it."""
    request = json.loads(request)
    entry = resolve(request["entry"], request.get("init"), request.get("name"))
    if request.get("structure") is not None or entry.inputs is None:
        structure = {
            "inputs": request.get("structure"),
            "dynamic": request.get("dynamic"),
        }
        entry.inputs = make_inputs(entry, structure)
    if request.get("parameters"):
        load_tensors(entry, request["parameters"], tensors)
    wide = request.get("dtype") == "float64"
    leaves = [
        read_tensor(tensors[f"input.{k}"], described, wide)
        for k, described in enumerate(request["inputs"])
    ]
    seed = request.get("perturbation")
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    if generator is not None:
        leaves = [perturbed(x, generator) for x in leaves]
    reply = Reply()
    with contextlib.ExitStack() as stack:
        stack.enter_context(plain_attention())
        stack.enter_context(interpreted_branches())
        if entry.module is not None:
            stack.enter_context(kept_state(entry.module))
            stack.enter_context(widened(entry.module, wide))
            stack.enter_context(perturbed_weights(entry.module, generator))
            entry.module.train(request.get("mode") == "train")
        if wide:
            stack.enter_context(default_dtype(torch.float64))
        stack.enter_context(DrawStream(int(request.get("draws") or 0), wide))
        if request.get("watch") is True and entry.module is not None:
            stack.enter_context(watching(entry.module, reply))
        _execute(entry, leaves, request, tensors, reply)
    return json.dumps(reply.document), reply.tensors


class Reply:
    """The reply document and its tensors."""

    def __init__(self):
        self.document = {
            "outputs": [],
            "input_gradients": [],
            "parameter_gradients": {},
            "state": {},
            "input_mutations": {},
            "modules": {},
            "undifferentiable_inputs": [],
            "gradient_problem": None,
            "seconds": 0.0,
        }
        self.tensors = {}

    def add(self, name, tensor):
        """Return `tensor` under `name`; gives its description."""
        tensor = tensor.detach().resolve_conj().resolve_neg()
        self.tensors[name] = as_bytes(tensor)
        return {"dtype": dtype_name(tensor.dtype), "shape": list(tensor.shape)}


def _execute(entry, leaves, request, tensors, reply):
    wanted = bool(request.get("gradients"))
    differentiable = [
        wanted and (x.is_floating_point() or x.is_complex()) for x in leaves
    ]
    parameters = trainable_parameters(entry.module) if wanted else {}
    buffers = dict(entry.module.named_buffers()) if entry.module is not None else {}
    before = {path: (b._version, b.detach().clone()) for path, b in buffers.items()}
    started = time.perf_counter()
    with torch.set_grad_enabled(wanted):
        given, given_versions, outputs = call_differentiably(
            entry, leaves, differentiable
        )
        gradients = None
        if wanted:
            try:
                gradients = differentiate(
                    outputs, leaves, differentiable, parameters, tensors
                )
            except RuntimeError as error:
                reply.document["gradient_problem"] = one_line(error)
    reply.document["undifferentiable_inputs"] = [
        k
        for k, x in enumerate(leaves)
        if not differentiable[k] and (x.is_floating_point() or x.is_complex())
    ]
    reply.document["seconds"] = time.perf_counter() - started
    reply.document["outputs"] = [
        reply.add(f"output.{k}", x) for k, x in enumerate(outputs)
    ]
    for path, buffer in buffers.items():
        version, value = before[path]
        if buffer._version != version or not torch.equal(buffer, value):
            reply.document["state"][path] = reply.add(f"state.{path}", buffer)
    for k, x in enumerate(given):
        if x._version != given_versions[k]:
            reply.document["input_mutations"][str(k)] = reply.add(
                f"input_mutation.{k}", x
            )
    if gradients is None:
        return
    for k in range(len(leaves)):
        gradient = gradients.get(k)
        described = (
            None if gradient is None else reply.add(f"input_gradient.{k}", gradient)
        )
        reply.document["input_gradients"].append(described)
    for path in parameters:
        gradient = gradients.get(path)
        described = (
            None
            if gradient is None
            else reply.add(f"parameter_gradient.{path}", gradient)
        )
        reply.document["parameter_gradients"][path] = described


def call_differentiably(entry, leaves, differentiable):
    """Call the entry on copies of `leaves`: gives the copies, their versions before the call, and the output tensors.

    Some operators refuse an argument that requires a gradient: such inputs, from the last one on, are switched off in
    `differentiable`.
    """
    while True:
        for x, yes in zip(leaves, differentiable):
            x.requires_grad_(yes)
        given = [x.clone() for x in leaves]
        versions = [x._version for x in given]
        try:
            return given, versions, call(entry, given)
        except GraftError as error:
            if "is not differentiable with respect to" not in error.message:
                raise
            remaining = [k for k, yes in enumerate(differentiable) if yes]
            if not remaining:
                raise
            differentiable[remaining[-1]] = False


def call(entry, leaves):
    """Call the entry with `leaves` in place of its example tensors; gives the output tensors, flattened."""
    arguments = {
        name: unflatten(value, leaves) for name, value in entry.inputs.arguments.items()
    }
    args, kwargs = call_arguments(entry, arguments)
    try:
        with rebound_buffers(entry.callable):
            value = entry.callable(*args, **kwargs)
    except GraftError:
        raise
    except Exception as error:
        text, where = user_traceback(error)
        message = f"running {entry.name} raised {one_line(error)} at {where}"
        raise GraftError("forward-raised", message, None, text) from error
    outputs = []
    flatten(value, outputs, [], "")
    return outputs


def differentiate(outputs, leaves, differentiable, parameters, tensors):
    """Gradients of sum(<cotangent, output>), by input index and parameter path; None where nothing depends on it."""
    sources = {k: x for k, x in enumerate(leaves) if differentiable[k]}
    sources.update(parameters)
    roots, cotangents = [], []
    for k, output in enumerate(outputs):
        name = f"cotangent.{k}"
        if name in tensors and output.requires_grad:
            described = {"dtype": None, "shape": output.shape}
            roots.append(output)
            cotangents.append(read_cotangent(tensors[name], output, described))
    if not roots or not sources:
        return {}
    found = torch.autograd.grad(
        roots, list(sources.values()), cotangents, allow_unused=True
    )
    return dict(zip(sources, found))


def read_cotangent(buffer, output, described):
    """A cotangent in float32 or float64 (complex alike), whichever its byte count says, in the output's dtype."""
    count = output.numel()
    options = (
        ["complex64", "complex128"]
        if output.is_complex()
        else ["float32", "float64", dtype_name(output.dtype)]
    )
    size = memoryview(buffer).nbytes
    for name in options:
        if size == count * getattr(torch, name).itemsize:
            described["dtype"] = name
            return read_tensor(buffer, described, False).to(output.dtype)
    raise GraftError(
        "cotangent-size", f"a cotangent for {list(output.shape)} has {size} bytes"
    )


def read_tensor(buffer, described, wide):
    """A tensor of its own memory from bytes; with `wide`, floating tensors become float64."""
    dtype = getattr(torch, described["dtype"])
    shape = described["shape"]
    count = 1
    for size in shape:
        count *= size
    view = memoryview(buffer).cast("B")
    if view.nbytes != count * dtype.itemsize:
        raise GraftError(
            "tensor-size",
            f"{view.nbytes} bytes do not make a {described['dtype']} of {list(shape)}",
        )
    if count == 0:
        tensor = torch.empty(tuple(shape), dtype=dtype)
    else:
        tensor = torch.frombuffer(bytearray(view), dtype=dtype).reshape(tuple(shape))
    return tensor.to(WIDE.get(dtype, dtype)) if wide else tensor


def load_tensors(entry, described, tensors):
    """Put the given parameters and buffers, by path, into the module, for the rest of the process."""
    if entry.module is None:
        return
    found = dict(entry.module.named_parameters(remove_duplicate=False))
    found.update(entry.module.named_buffers(remove_duplicate=False))
    with torch.no_grad():
        for path, description in described.items():
            if path not in found:
                raise GraftError(
                    "parameter-unknown",
                    f"{entry.name} has no parameter or buffer {path}",
                )
            value = read_tensor(tensors[f"parameter.{path}"], description, False)
            if list(value.shape) != list(found[path].shape):
                raise GraftError(
                    "parameter-shape",
                    f"{path} has shape {list(found[path].shape)}, not {list(value.shape)}",
                )
            found[path].copy_(value)


def trainable_parameters(module):
    """Parameters that require a gradient, by their first path."""
    if module is None:
        return {}
    return {path: p for path, p in module.named_parameters() if p.requires_grad}


@contextlib.contextmanager
def kept_state(module):
    """Restore buffers, training flags and attributes afterwards."""
    from graft_torch_capture import kept_attributes

    modes = [(m, m.training) for m in module.modules()]
    buffers = [(b, b.detach().clone()) for b in module.buffers()]
    try:
        with kept_attributes(module):
            yield
    finally:
        with torch.no_grad():
            for buffer, saved in buffers:
                buffer.data = saved
        for m, mode in modes:
            m.training = mode


@contextlib.contextmanager
def widened(module, wide):
    """Hold floating parameters and buffers in float64 meanwhile."""
    if not wide:
        yield
        return
    tensors = [t for t in (*module.parameters(), *module.buffers()) if t.dtype in WIDE]
    saved = [t.data for t in tensors]
    try:
        for t in tensors:
            t.data = t.data.to(WIDE[t.dtype])
        yield
    finally:
        for t, data in zip(tensors, saved):
            t.data = data


def perturbed(tensor, generator):
    """The tensor with each floating element changed by a unit in the last place, up or down at random."""
    if not tensor.is_floating_point():
        return tensor
    signs = torch.randint(0, 2, tensor.shape, generator=generator) * 2 - 1
    return tensor * (1 + signs.to(tensor.dtype) * torch.finfo(tensor.dtype).eps)


@contextlib.contextmanager
def perturbed_weights(module, generator):
    """Perturb the floating parameters and buffers meanwhile, unless `generator` is None."""
    if generator is None:
        yield
        return
    tensors = [*module.parameters(), *module.buffers()]
    saved = [t.data for t in tensors]
    try:
        for t in tensors:
            t.data = perturbed(t.data, generator)
        yield
    finally:
        for t, data in zip(tensors, saved):
            t.data = data


@contextlib.contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def watching(module, reply):
    """Record the outputs of every call of every module, where they are a tensor or a tuple of tensors."""
    handles = []

    def hook_for(path):
        def hook(_module, _args, output):
            values = list(output) if isinstance(output, (tuple, list)) else [output]
            if values and all(isinstance(v, torch.Tensor) for v in values):
                calls = reply.document["modules"].setdefault(path, [])
                described = [
                    reply.add(f"module.{path}.{len(calls)}.{i}", v.clone())
                    for i, v in enumerate(values)
                ]
                calls.append({"call": len(calls), "outputs": described})

        return hook

    for path, child in module.named_modules():
        handles.append(child.register_forward_hook(hook_for(path)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
