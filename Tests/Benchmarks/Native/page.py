"""Write the page of native performance from the figures of a run."""

import json
import pathlib
import sys

from figures import RUNTIMES, SUMMARIES, best_runtime
from report import TITLES, cell, commands, figure, geometric_mean, ratio, table

HERE = pathlib.Path(__file__).parent

# Whose times to the first result, memory and profiles are shown.
SHOWN = ("graft", *RUNTIMES)
SHOWN_TITLES = [TITLES[contestant] for contestant in SHOWN]

HEAD = """# Performance

Written from measurements of {date} on {cores} cores of {processor}: converted models run natively, beside the runtimes
that people use. Times are medians in milliseconds of whole calls, arrays in and arrays out, all in float32. Each contestant is a process
of its own, limited to the number of CPUs given as threads, and stopped while another has its turn; the ratios mean more than the times.

ONNX Runtime and OpenVINO (its precision set to float32) run a file that `torch.onnx.export` wrote for exactly the sizes of the row;
Graft's package leaves them open. JAX is what Graft emits, under `jit`. **by best** is Graft's time by the faster of ONNX Runtime's
and OpenVINO's; **difference** is the largest difference of an output of Graft's to PyTorch's, by the largest element; **first
result** is the time from the file to the first output, the median of some starts. How fast the emitted JAX is: [EmittedPerformance](EmittedPerformance.md). How it is done: [NativeExecution](Graft.docc/NativeExecution.md).

An empty column was not measured. Reproduced by `make bench-native`; what was run:
"""


def milliseconds(seconds):
    """Three digits, of long times all those before the point."""
    return cell(seconds, ".3g" if seconds is None or seconds < 0.1 else ".0f", 1e3)


def latency(cases):
    header = ["model", "batch", *TITLES.values(), "by best", "by torch", "difference"]
    rows = []
    for case in cases:
        results = case["results"]
        row = [case["model"], str(case["batch"])]
        row += [milliseconds(figure(results, contestant)) for contestant in TITLES]
        row.append(cell(best_runtime(results), ".2f"))
        row.append(cell(ratio(results, "torch"), ".2f"))
        rows.append([*row, cell(figure(results, "graft", "difference"), ".0e")])
    return table(header, rows)


def resources(cases):
    header = ["model", "batch"]
    for title in ("first result, ms", "peak memory, MiB"):
        header += [f"{title}: {SHOWN_TITLES[0]}", *SHOWN_TITLES[1:], "ratio"]
    rows = []
    for case in cases:
        results = case["results"]
        row = [case["model"], str(case["batch"])]
        for key, scale in (("first", 1e3), ("peak", 2**-20)):
            row += [cell(figure(results, peer, key), ".0f", scale) for peer in SHOWN]
            row.append(cell(ratio(results, "onnxruntime", key), ".2f"))
        rows.append(row)
    return table(header, rows)


def together(cases):
    """Eight callers at once: the calls' time by that of one after another; empty where it was not measured."""
    rows = [
        [case["model"], str(case["batch"]), str(case["threads"]), cell(value, ".2f")]
        for case in cases
        if (value := figure(case["results"], "graft", "together")) is not None
    ]
    return table(["model", "batch", "threads", "ratio"], rows) if rows else ""


def profile_table(profiles):
    """Milliseconds by kind of operation, those that take some contestant longest first."""
    kinds = sorted(
        {kind for profile in profiles.values() for kind in profile},
        key=lambda kind: -max(p.get(kind, 0) for p in profiles.values()),
    )
    rows = [
        [kind, *(cell(profiles[peer].get(kind, 0), ".3f", 1e3) for peer in SHOWN)]
        for kind in kinds
    ]
    return table(["ms in", *SHOWN_TITLES], rows)


def unreached(cases):
    """The cases that another runtime is faster with: by how much, and where the time of each goes."""
    parts = []
    for case in cases:
        best = best_runtime(case["results"])
        if best is None or best <= 1:
            continue
        threads = "1 thread" if case["threads"] == 1 else f"{case['threads']} threads"
        parts.append(
            f"{case['model']}, batch {case['batch']}, {threads}: {best:.2f} times the faster one."
        )
        if case.get("profiles") is not None:
            parts.append(profile_table(case["profiles"]))
    return "\n\n".join(parts)


def summary(cases):
    results = [case["results"] for case in cases]
    rows = [
        [title, cell(geometric_mean(map(of, results)), ".2f")]
        for title, of in SUMMARIES
    ]
    return table(["", "ratio"], rows)


def main():
    record = json.loads(pathlib.Path(sys.argv[1]).read_text())
    print(HEAD.format(**record["machine"]))
    print(commands("bench_native.py", record["runs"]))
    for remark in record.get("remarks", []):
        print(f"- {remark}")
    cases = [c for c in record["cases"] if figure(c["results"], "graft") is not None]
    print("\n## In short\n\nGeometric means of Graft's figures by another's.\n")
    print(summary(cases))
    for threads in sorted({case["threads"] for case in cases}):
        chosen = [case for case in cases if case["threads"] == threads]
        title = "One thread" if threads == 1 else f"{threads} threads"
        print(f"\n## {title}\n\n{latency(chosen)}\n\n{resources(chosen)}")
    if rows := together(cases):
        print("\n## Eight callers at once\n")
        print("The time of eight calls at once by that of eight one after another.\n")
        print(rows)
    if text := unreached(cases):
        print("\n## Where another runtime is faster\n")
        print(f"Profiles are each runtime's own, of a run by itself.\n\n{text}")
    print("\n" + (HERE / "tried.md").read_text(), end="")


main()
