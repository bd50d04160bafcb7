"""Trains models in PyTorch and natively, from the same start on the same batches, and compares losses and accuracies.

Writes a page to standard output; what is being done goes to standard error.
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

HERE = pathlib.Path(__file__).resolve().parent

HEAD = """# Training parity

Written by `make parity`: models trained by `torch.optim.AdamW` and by Graft's native `Trainer`, both in float32, from the same
start on the same batches, {steps} steps with nothing dropped. **largest difference** is the largest of
the steps' `|native - torch| / |torch|`.

| model | first loss | last loss | largest difference | after 50 steps | float64 beside float32, both torch |
| --- | --- | --- | --- | --- | --- |"""

ACCURACY = """
The last column says how much of the difference is rounding: the same training in PyTorch in float64, compared in the same way.

## Accuracy on digits

The digits that scikit-learn ships: {epochs} epochs of the digits CNN on 1437 images, judged on the other 360.

| seed | PyTorch, % | Graft, % | difference, points |
| --- | --- | --- | --- |"""


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
    source = HERE / "parity_models.py"
    command = [os.environ["GRAFT"], "transpile", f"{source}:{name}", "--name", name]
    command += ["--init", f"seed={seed}", "--inputs", f"{source}:{name}_inputs"]
    if test is not None:
        command += ["--dynamic", "x=N,1,8,8"]
    command += ["--to", "jax", "--no-verify", "--quiet", "-o", root / "graft"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    command = [os.environ["GRAFT_TRAIN_WORKER"], root, "--curve", "--loss", case.loss]
    command += [f"--class-axis={case.class_axis}", "--learning-rate", str(case.rate)]
    subprocess.run(command, check=True)
    losses = json.loads((root / "losses-graft.json").read_text())
    if test is None:
        return losses, None
    with numpy.load(root / "outputs-graft.npz") as outputs:
        return losses, torch.tensor(outputs[outputs.files[0]])


def differences(own, reference):
    return [abs(a - b) / abs(b) for a, b in zip(own, reference)]


def compare(name, steps, root):
    print(f"{name} ...", file=sys.stderr, flush=True)
    case, batches = parity_models.CASES[name], parity_models.batches(name, steps)
    reference, _ = torch_training(parity_models.model(name), batches, case)
    own, _ = native_training(name, batches, root / name)
    found = differences(own, reference)
    row = [name, f"{reference[0]:.4f}", f"{reference[-1]:.4f}", f"{max(found):.1e}"]
    row.append(f"{max(found[:50]):.1e}")
    if not case.exact:
        return [*row, "-"]
    exact, _ = torch_training(parity_models.model(name).double(), batches, case)
    return [*row, f"{max(differences(reference, exact)):.1e}"]


def accuracies(seed, epochs, root):
    """The shares of test images that PyTorch's and Graft's model get right."""
    print(f"digits, seed {seed} ...", file=sys.stderr, flush=True)
    with numpy.load(parity_models.SAMPLES) as samples:
        x, y = torch.tensor(samples["x"]), torch.tensor(samples["digit"])
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

    return share(reference), share(own)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=",".join(parity_models.CASES))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folder", default=".build/parity")
    options = parser.parse_args()
    torch.set_num_threads(os.cpu_count())
    root = pathlib.Path(options.folder).resolve()
    print(HEAD.format(steps=options.steps))
    for name in filter(None, options.models.split(",")):
        row = compare(name, options.steps, root)
        print(f"| {' | '.join(row)} |", flush=True)
    print(ACCURACY.format(epochs=options.epochs))
    for seed in range(options.seeds):
        reference, own = accuracies(seed, options.epochs, root)
        print(
            f"| {seed} | {reference:.2f} | {own:.2f} | {own - reference:+.2f} |",
            flush=True,
        )


main()
