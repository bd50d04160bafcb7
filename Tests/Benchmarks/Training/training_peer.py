"""One contestant in training: takes steps of AdamW on one batch as it is told to (see contest.py).

At the end the losses of its first steps are written to a file.
"""

import inspect
import json
import pathlib
import sys

import training_models
from contest import serve
from conversion import load_emitted

RATE = 1e-4
DECAY = 0.01
KEPT = 5


def eager(name, folder, threads, prepare=lambda model: model):
    import torch

    torch.set_num_threads(threads)
    inputs, targets = training_models.batch(name)
    axis = training_models.CASES[name].class_axis
    model = training_models.BUILDERS[name]()

    def load():
        function = prepare(model)
        optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)

        def step():
            optimizer.zero_grad(set_to_none=True)
            logits = function(**inputs).movedim(axis, 1)
            loss = torch.nn.functional.cross_entropy(logits, targets)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    return load


def compiled(name, folder, threads):
    import torch

    torch._inductor.config.compile_threads = threads
    return eager(
        name, folder, threads, lambda model: torch.compile(model, dynamic=False)
    )


def jax(name, folder, threads):
    import jax
    import optax

    given, targets = training_models.batch(name)
    inputs = [tensor.numpy() for tensor in given.values()]
    targets = targets.numpy()
    axis = training_models.CASES[name].class_axis

    def load():
        function, weights = load_emitted(folder / "graft", name)
        parameters = inspect.signature(function).parameters
        options = {"train": True} if "train" in parameters else {}
        params, state = weights if len(weights) == 2 else (*weights, None)
        params, state = jax.tree.map(jax.numpy.asarray, (params, state))
        optimizer = optax.adamw(RATE, weight_decay=DECAY)
        kept = [params, state, optimizer.init(params)]

        def objective(params, state):
            if state is None:
                logits, updated = function(params, *inputs_on_device, **options), None
            else:
                logits, updated = function(params, state, *inputs_on_device, **options)
            losses = optax.softmax_cross_entropy_with_integer_labels(
                jax.numpy.moveaxis(logits, axis, -1), targets_on_device
            )
            return losses.mean(), updated

        def update(params, state, moments):
            (loss, state), gradients = jax.value_and_grad(objective, has_aux=True)(
                params, state
            )
            changes, moments = optimizer.update(gradients, moments, params)
            return optax.apply_updates(params, changes), state, moments, loss

        inputs_on_device = jax.device_put(inputs)
        targets_on_device = jax.device_put(targets)
        compiled_update = jax.jit(update, donate_argnums=(0, 1, 2))

        def step():
            *kept[:], loss = compiled_update(*kept)
            return float(loss)

        return step

    return load


PEERS = {"torch": eager, "torch_compile": compiled, "jax": jax}


def main():
    peer, name, folder, threads = sys.argv[1:]
    folder = pathlib.Path(folder)
    losses = []
    load = PEERS[peer](name, folder, int(threads))

    def recording():
        step = load()

        def recorded():
            loss = step()
            if len(losses) < KEPT:
                losses.append(loss)

        return recorded

    serve(recording)
    (folder / f"losses-{peer}.json").write_text(json.dumps(losses))


main()
