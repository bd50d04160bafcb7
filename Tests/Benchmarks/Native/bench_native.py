"""Native execution beside the runtimes that people use: latency, memory, time to the first result; in one run, by turns.

Each contestant is a process of its own that is stopped while it is not its turn. A contestant that fails is reported and left out.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

from contest import Contestant, contest, machine
from figures import SUMMARIES, best_runtime
from report import changed_options, geometric_mean, ratio, write_json

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ("torch", "torch_compile", "onnxruntime", "openvino", "jax")
# Started again, by turns, for the time to the first result.
RUNTIMES = ("graft", "onnxruntime", "openvino")


def command(peer, root, name, batch, threads):
    """What starts a contestant."""
    if peer == "graft":
        folder = root / name
        files = [folder / "graft", folder / f"inputs-{batch}.npz"]
        files.append(folder / "outputs-graft.npz")
        return [os.environ["GRAFT_WORKER"], *files, threads]
    return [sys.executable, HERE / "peer.py", peer, root, name, batch, threads]


def difference(root, name, peer):
    """The largest difference to PyTorch's outputs, relative to their largest element."""
    import numpy

    ours = numpy.load(root / name / f"outputs-{peer}.npz")
    reference = numpy.load(root / name / "outputs-torch.npz")
    pairs = [(ours[key], reference[key]) for key in reference.files]
    return max(float(abs(a - b).max() / abs(b).max()) for a, b in pairs)


def start_again(results, commands, threads, root, starts):
    """Replace a runtime's time to its first result by the median of some starts, the one so far included."""
    names = [name for name in RUNTIMES if "first" in results.get(name, {})]
    firsts = {name: [results[name]["first"]] for name in names}
    for _ in range(starts - 1):
        for name in names:
            log = root / f"{name}.log"
            contestant = Contestant(name, commands[name], threads, log)
            firsts[name].append(contestant.first)
            contestant.kill()
    for name in names:
        results[name]["first"] = statistics.median(firsts[name])


def measure_case(root, name, batch, threads, options):
    """What was measured of each contestant of one case, by its name."""
    together = {}

    def call_together(contestants):
        for contestant in contestants:
            if contestant.name == "graft" and options.together:
                together["together"] = contestant.together()

    peers = ("graft", *options.peers)
    commands = {peer: command(peer, root, name, batch, threads) for peer in peers}
    results = contest(
        commands, threads, root, options.rounds, options.seconds, call_together
    )
    results["graft"].update(together)
    start_again(results, commands, threads, root, options.starts)
    if "median" in results.get("torch", {}):
        for peer, figures in results.items():
            if "median" in figures:
                figures["difference"] = difference(root, name, peer)
    return results


def profiles(root, name, batch, threads):
    """Seconds of a call by contestant and kind of operation, each measured by itself; None if one of them fails."""
    command = [sys.executable, HERE / "profiles.py", root, name, str(batch)]
    command.append(str(threads))
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def prepare(root, name, batch, peers):
    command = [sys.executable, HERE / "artifacts.py", root, name, str(batch)]
    subprocess.run([*command, ",".join(("graft", *peers))], check=True, stdout=2)


def line(record):
    results = record["results"]
    cells = [f"{record['model']:20} x{record['batch']:<3} {record['threads']}t"]
    for peer, figures in results.items():
        if "median" in figures:
            cells.append(f"{peer} {1000 * figures['median']:.3f}")
    best = best_runtime(results)
    if best is not None:
        cells.append(f"| by best runtime {best:.2f}")
    if ratio(results, "torch") is not None:
        cells.append(f"by torch {ratio(results, 'torch'):.2f}")
    worst = max((f.get("difference", 0) for f in results.values()), default=0)
    return "  ".join(cells) + f"  difference {worst:.1e}"


def main():
    import models

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=",".join(models.CASES))
    parser.add_argument("--batches", help="of all models instead of each one's own")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3, help="of a turn")
    parser.add_argument(
        "--starts", type=int, default=3, help="of a runtime, for its first result"
    )
    parser.add_argument("--together", action="store_true", help="also 8 calls at once")
    parser.add_argument(
        "--profile",
        action="store_true",
        help="also where the time goes, of models that another runtime is faster with",
    )
    parser.add_argument("--folder", default=".build/bench-native")
    parser.add_argument("--json", help="where the figures go, after each case")
    options = parser.parse_args()
    record = {
        "machine": machine(),
        "runs": [changed_options(parser, options)],
        "cases": [],
    }
    options.peers = [peer for peer in options.peers.split(",") if peer]
    root = pathlib.Path(options.folder).resolve()
    root.mkdir(parents=True, exist_ok=True)
    for name in options.models.split(","):
        # What an earlier build or an earlier model left is not measured.
        shutil.rmtree(root / name, ignore_errors=True)
        batches = models.CASES[name].batches
        if options.batches:
            batches = tuple(map(int, options.batches.split(",")))
        for batch in batches:
            prepare(root, name, batch, options.peers)
            for threads in map(int, options.threads.split(",")):
                results = measure_case(root, name, batch, threads, options)
                case = {"model": name, "batch": batch, "threads": threads}
                case["results"] = results
                if options.profile and (best_runtime(results) or 0) > 1:
                    case["profiles"] = profiles(root, name, batch, threads)
                record["cases"].append(case)
                print(line(case), flush=True)
                if options.json:
                    write_json(options.json, record)
    cases = [case["results"] for case in record["cases"]]
    for title, figure in SUMMARIES:
        value = geometric_mean(map(figure, cases))
        if value is not None:
            print(f"{title}: {value:.2f}")


main()
