"""Steps of training beside the frameworks that people use: forward, backward and AdamW of one batch; in one run, by turns."""

import argparse
import json
import os
import pathlib
import shutil
import sys

from contest import contest, machine
from conversion import transpile
from report import (
    cell,
    changed_options,
    figure,
    mean_ratio,
    ratio,
    relative_differences,
    write_json,
)

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE / "training_models.py"
PEERS = ("torch", "torch_compile", "jax")


def prepare(name, folder):
    """The package that Graft and JAX train, and the batch as an archive for the former."""
    import numpy
    import training_models

    transpile(SOURCE, name, folder / "graft", "--inputs", f"{SOURCE}:{name}_inputs")
    inputs, targets = training_models.batch(name)
    arrays = {key: tensor.numpy() for key, tensor in inputs.items()}
    numpy.savez(folder / "batch.npz", **arrays, target=targets.numpy())
    return training_models.CASES[name].class_axis


def measure(name, root, threads, options):
    folder = root / name
    # What an earlier build left is not measured.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    axis = prepare(name, folder)
    worker = os.environ["GRAFT_TRAIN_WORKER"]
    commands = {"graft": [worker, folder, f"--class-axis={axis}", "--threads", threads]}
    for peer in options.peers:
        commands[peer] = [sys.executable, HERE / "training_peer.py", peer, name]
        commands[peer] += [folder, threads]
    results = contest(commands, threads, folder, options.rounds, options.seconds)
    for peer, figures in results.items():
        path = folder / f"losses-{peer}.json"
        if "median" in figures and path.exists():
            figures["losses"] = json.loads(path.read_text())
    return results


def difference(results, peer="torch"):
    """The largest relative difference of Graft's first losses to another's."""
    own, others = (figure(results, x, "losses") for x in ("graft", peer))
    if not own or not others:
        return None
    return max(relative_differences(own, others))


def line(case):
    results = case["results"]
    cells = [f"{case['model']:20} {case['threads']}t"]
    for peer, figures in results.items():
        if "median" in figures:
            memory = figures["peak"] / 2**20
            cells.append(f"{peer} {1000 * figures['median']:.2f} ms {memory:.0f} MiB")
    for peer in PEERS:
        if ratio(results, peer) is not None:
            cells.append(f"by {peer} {ratio(results, peer):.2f}")
    worst = difference(results)
    return "  ".join(cells) + ("" if worst is None else f"  losses {worst:.0e}")


def main():
    import training_models

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=",".join(training_models.CASES))
    parser.add_argument("--threads", default="2")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn")
    parser.add_argument("--folder", default=".build/bench-train")
    parser.add_argument("--json", help="where the figures go, after each case")
    options = parser.parse_args()
    record = {
        "machine": machine(),
        "runs": [changed_options(parser, options)],
        "cases": [],
    }
    options.peers = [peer for peer in options.peers.split(",") if peer]
    root = pathlib.Path(options.folder).resolve()
    for name in options.models.split(","):
        for threads in map(int, options.threads.split(",")):
            results = measure(name, root, threads, options)
            case = {"model": name, "threads": threads, "results": results}
            record["cases"].append(case)
            print(line(case), flush=True)
            if options.json:
                write_json(options.json, record)
    for peer in options.peers:
        for key, title in (("median", "step"), ("peak", "peak memory")):
            mean = mean_ratio(record["cases"], peer, key)
            print(f"{title}, by {peer}: {cell(mean, '.2f')}")


if __name__ == "__main__":
    main()
