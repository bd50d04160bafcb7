"""Trains models in PyTorch and natively, from the same start on the same batches, and compares losses and accuracies.

Writes a page to standard output, of this run or with `--from` of earlier ones; what is being done goes to standard error.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy
import parity_models
import torch
from conversion import transpile
from parity_page import page
from report import changed_options, write_json

SOURCE = pathlib.Path(__file__).resolve().parent / "parity_models.py"
SEEDS = 5


def torch_training(model, batches, case):
    """The losses of a step for each batch, and the model."""
    dtype = next(model.parameters()).dtype
    optimizer = torch.optim.AdamW(model.parameters(), lr=case.rate, weight_decay=0.01)
    losses = []
    for step in range(len(batches["target"])):
        batch = {key: value[step] for key, value in batches.items()}
        batch = {
            k: v.to(dtype) if v.is_floating_point() else v for k, v in batch.items()
        }
        target = batch.pop("target")
        output = model(**batch)
        if case.loss == "mse":
            loss = torch.nn.functional.mse_loss(output, target)
        else:
            output = output.movedim(case.class_axis, 1)
            loss = torch.nn.functional.cross_entropy(output, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, model


def native_training(name, batches, root, seed=0, test=None):
    """The losses, and the outputs for the test's inputs."""
    case = parity_models.CASES[name]
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    numpy.savez(root / "batches.npz", **{k: v.numpy() for k, v in batches.items()})
    if test is not None:
        numpy.savez(root / "test.npz", x=test.numpy())
    options = ["--init", f"seed={seed}", "--inputs", f"{SOURCE}:{name}_inputs"]
    if test is not None:
        options += ["--dynamic", "x=N,1,8,8"]
    transpile(SOURCE, name, root / "graft", *options)
    command = [os.environ["GRAFT_TRAIN_WORKER"], root, "--curve", "--loss", case.loss]
    command += [f"--class-axis={case.class_axis}", "--learning-rate", str(case.rate)]
    subprocess.run(command, check=True)
    losses = json.loads((root / "losses-graft.json").read_text())
    if test is None:
        return losses, None
    with numpy.load(root / "outputs-graft.npz") as outputs:
        return losses, torch.tensor(outputs[outputs.files[0]])


def loss_curves(name, steps, root):
    """The loss of each step by trainer; `exact` is PyTorch's in float64."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    case, batches = parity_models.CASES[name], parity_models.batches(name, steps)
    found = {}
    found["torch"], _ = torch_training(parity_models.model(name), batches, case)
    found["graft"], _ = native_training(name, batches, root / name)
    if case.exact:
        exact = parity_models.model(name).double()
        found["exact"], _ = torch_training(exact, batches, case)
    return found


def accuracies(seed, epochs, root):
    """The shares of test images that PyTorch's and Graft's model get right, in percent."""
    print(f"digits, seed {seed} ...", file=sys.stderr, flush=True)
    x, y = parity_models.digits()
    torch.manual_seed(100 + seed)
    order = torch.randperm(len(x))
    train, test = order[:1437], order[1437:]
    rows = [
        train[torch.randperm(len(train))[:1408]].reshape(22, 64) for _ in range(epochs)
    ]
    rows = torch.cat(rows)
    batches = {"x": x[rows], "target": y[rows]}
    case = parity_models.CASES["digits_cnn"]
    _, model = torch_training(parity_models.model("digits_cnn", seed), batches, case)
    with torch.no_grad():
        reference = model(x[test])
    _, own = native_training("digits_cnn", batches, root / "digits", seed, x[test])

    def share(logits):
        return 100 * (logits.argmax(1) == y[test]).double().mean().item()

    return {"torch": share(reference), "graft": share(own)}


def parsed():
    """The options, and those that differ from their defaults as text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=",".join(parity_models.CASES))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many")
    parser.add_argument("--folder", default=".build/parity")
    parser.add_argument(
        "--json",
        default=".build/parity/results.json",
        help="where the results go, after each model and each seed",
    )
    parser.add_argument(
        "--from",
        dest="earlier",
        nargs="+",
        type=pathlib.Path,
        metavar="FILE",
        help="write the page from the results of earlier runs, and train nothing",
    )
    options = parser.parse_args()
    return options, changed_options(parser, options)


def run(options, arguments):
    """Train what was asked for; the results of a run that is ended early are in its file."""
    root = pathlib.Path(options.folder).resolve()
    models = [name for name in options.models.split(",") if name]
    seeds = [str(seed) for seed in range(options.seeds)]
    record = {
        "arguments": arguments,
        "steps": options.steps,
        "epochs": options.epochs,
        "models": {"asked": models, "found": {}},
        "seeds": {"asked": seeds, "found": {}},
    }
    for name in models:
        record["models"]["found"][name] = loss_curves(name, options.steps, root)
        write_json(options.json, record)
    for seed in seeds:
        shares = accuracies(int(seed), options.epochs, root)
        record["seeds"]["found"][seed] = shares
        write_json(options.json, record)
    return record


def main():
    options, arguments = parsed()
    torch.set_num_threads(os.cpu_count())
    if options.earlier:
        runs = [json.loads(path.read_text()) for path in options.earlier]
    else:
        runs = [run(options, arguments)]
    seeds = [str(seed) for seed in range(SEEDS)]
    print("\n\n".join(page(runs, parity_models.CASES, seeds)))


main()
