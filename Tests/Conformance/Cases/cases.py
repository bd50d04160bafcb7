"""How conformance cases are declared.

Each file beside this one holds `CASES = CaseList(globals())` and adds to it. A case's factory or function becomes an
attribute of the file under the case's name, so that `file.py:name` is its entry.
"""

import dataclasses
import functools
import importlib
import json
import typing


@dataclasses.dataclass
class Case:
    """`inputs` are specifications, or empty when `factory` names the function that makes them."""

    name: str
    inputs: list
    factory: str | None
    dynamic: list
    repeat: bool
    vmap: bool
    scan: bool
    skip: str | None
    verify: bool
    optimised: bool
    entry: str | None


def varied(factory):
    """The factory of a module, none of whose weights and statistics are at the 0 or 1 that layers begin with."""

    @functools.wraps(factory)
    def make():
        import torch

        model = factory()
        generator = torch.Generator().manual_seed(0)

        def noise(tensor, scale):
            return scale * torch.randn(tensor.shape, generator=generator)

        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.is_floating_point():
                    parameter += noise(parameter, 0.02).to(parameter.dtype)
            for name, buffer in model.named_buffers():
                if name.endswith("running_mean"):
                    buffer += noise(buffer, 0.1)
                if name.endswith("running_var"):
                    buffer *= torch.exp(noise(buffer, 0.1))
        return model

    return make


class CaseList(list):
    """The cases of a file; with `factories`, each of them is a function that makes a module."""

    def __init__(self, namespace: dict, factories: bool = False):
        super().__init__()
        self.namespace = namespace
        self.factories = factories

    def add(
        self,
        name: str,
        target: typing.Callable,
        *inputs: str | typing.Callable,
        dynamic: tuple = (),
        repeat: bool = False,
        vmap: bool = False,
        scan: bool = False,
        skip: str | None = None,
        trained: bool = False,
        verify: bool = True,
        optimised: bool = False,
    ):
        """Add a case.

        `inputs` are specifications, or one function that returns example inputs. With `repeat` the conversion is made
        twice and must give the same bytes; with `vmap` the result must work under `jax.vmap`; with `scan` loops over
        equal layers are scans. `skip` is the reason not to run the case. The weights of a `trained` model stay as they
        are. A target may be an entry elsewhere, `package.module:name`. Without `verify` the case is only converted.
        With `optimised` XLA's optimiser stays on.
        """
        entry = target if isinstance(target, str) else None
        if entry is not None:
            module, attribute = entry.split(":")
            target = getattr(importlib.import_module(module), attribute)
            trained = True
        if name in self.namespace and self.namespace[name] is not target:
            raise ValueError(f"the name {name} is taken")
        self.namespace[name] = (
            varied(target) if self.factories and not trained else target
        )
        factory = None
        if inputs and callable(inputs[0]):
            factory = f"{name}_inputs"
            self.namespace[factory] = inputs[0]
            inputs = ()
        self.append(
            Case(
                name,
                list(inputs),
                factory,
                list(dynamic),
                repeat,
                vmap,
                scan,
                skip,
                verify,
                optimised,
                entry,
            )
        )

    def case(self, *inputs, **options):
        """A decorator that adds a function under its own name."""

        def decorate(function):
            self.add(function.__name__, function, *inputs, **options)
            return self.namespace[function.__name__]

        return decorate


def listing(request, _tensors):
    """The cases of `{"file": path}` as JSON."""
    from graft_torch_entry import import_source

    module = import_source(json.loads(request)["file"])
    return json.dumps({"cases": [dataclasses.asdict(c) for c in module.CASES]}), {}
