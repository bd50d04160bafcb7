"""Write the page of native performance from the figures of a run."""

import json
import pathlib
import sys

from figures import RUNTIMES, SUMMARIES, best_runtime, mean, ratio

HERE = pathlib.Path(__file__).parent
PEERS = ("graft", "onnxruntime", "openvino", "torch", "torch_compile", "jax")
TITLES = ("Graft", "ONNX Runtime", "OpenVINO", "torch", "torch.compile", "JAX")

# Whose profiles are known.
SHOWN = PEERS[:3]

HEAD = """# Performance

Written from measurements of {date} on {cores} cores of {processor}: converted models run natively, beside the runtimes
that people use. Times are medians in milliseconds of whole calls, arrays in and arrays out, all in float32. Each contestant is a process
of its own, limited to the number of CPUs given as threads, and stopped while another has its turn; the ratios mean more than the times.

ONNX Runtime and OpenVINO (its precision set to float32) run a file that `torch.onnx.export` wrote for exactly the sizes of the row;
Graft's package leaves them open. JAX is what Graft emits, under `jit`. **by best** is Graft's time by the faster of ONNX Runtime's
and OpenVINO's; **difference** is the largest difference of an output of Graft's to PyTorch's, by the largest element. How fast the
emitted JAX is: [EmittedPerformance](EmittedPerformance.md). How it is done: [NativeExecution](Graft.docc/NativeExecution.md).
"""


def cell(value, form):
    return format(value, form) if value is not None else "-"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def latency(cases):
    header = ["model", "batch", *TITLES, "by best", "by torch", "difference"]
    rows = []
    for case in cases:
        results = case["results"]
        medians = [results.get(peer, {}).get("median") for peer in PEERS]
        shown = [x and 1000 * x for x in medians]
        row = [case["model"], str(case["batch"])]
        row += [cell(x, ".3g" if x and x < 100 else ".0f") for x in shown]
        row += [
            cell(best_runtime(results), ".2f"),
            cell(ratio(results, "torch"), ".2f"),
        ]
        rows.append([*row, cell(results["graft"].get("difference"), ".0e")])
    return table(header, rows)


def resources(cases):
    header = ["model", "batch", "first result, ms: Graft", *TITLES[1:3]]
    header += ["ratio", "peak memory, MiB: Graft", *TITLES[1:3], "ratio"]
    rows = []
    for case in cases:
        results = case["results"]
        row = [case["model"], str(case["batch"])]
        for key, scale in (("first", 1e3), ("peak", 2**-20)):
            for peer in ("graft", *RUNTIMES):
                value = results.get(peer, {}).get(key)
                row.append(cell(value and value * scale, ".0f"))
            row.append(cell(ratio(results, "onnxruntime", key), ".2f"))
        rows.append(row)
    return table(header, rows)


def together(cases):
    """Eight callers at once: the calls' time by that of one after another."""
    rows = [
        (case["model"], str(case["batch"]), str(case["threads"]), cell(value, ".2f"))
        for case in cases
        if (value := case["results"]["graft"].get("together")) is not None
    ]
    return table(["model", "batch", "threads", "ratio"], rows) if rows else []


def unreached(cases):
    """The cases that another runtime is faster with: by how much, and where the time of each goes."""
    lines = []
    for case in cases:
        best = best_runtime(case["results"])
        if best is None or best <= 1:
            continue
        threads = "1 thread" if case["threads"] == 1 else f"{case['threads']} threads"
        lines += [
            f"\n{case['model']}, batch {case['batch']}, {threads}: {best:.2f} times the faster one.\n"
        ]
        profiles = case.get("profiles")
        if profiles is None:
            continue
        kinds = sorted(
            {kind for profile in profiles.values() for kind in profile},
            key=lambda kind: -max(p.get(kind, 0) for p in profiles.values()),
        )
        rows = [
            [kind, *(cell(profiles[peer].get(kind, 0) * 1e3, ".3f") for peer in SHOWN)]
            for kind in kinds
        ]
        lines += table(["ms in", *TITLES[: len(SHOWN)]], rows)
    return lines


def main():
    record = json.loads(pathlib.Path(sys.argv[1]).read_text())
    print(HEAD.format(**record["machine"]))
    print(
        "An empty column was not measured. Reproduced by `make bench-native`; what was run:\n"
    )
    print("\n".join(f"- `bench_native.py {arguments}`" for arguments in record["runs"]))
    print("\n".join(f"- {remark}" for remark in record.get("remarks", [])))
    cases = [case for case in record["cases"] if "median" in case["results"]["graft"]]
    print("\n## In short\n\nGeometric means of Graft's figures by another's.\n")
    rows = [
        (title, cell(mean(map(of, (c["results"] for c in cases))), ".2f"))
        for title, of in SUMMARIES
    ]
    print("\n".join(table(["", "ratio"], rows)))
    for threads in sorted({case["threads"] for case in cases}):
        chosen = [case for case in cases if case["threads"] == threads]
        title = "One thread" if threads == 1 else f"{threads} threads"
        print(f"\n## {title}\n\n" + "\n".join(latency(chosen)))
        print("\n" + "\n".join(resources(chosen)))
    rows = together(cases)
    if rows:
        print(
            "\n## Eight callers at once\n\nThe time of eight calls at once by that of eight one after another.\n"
        )
        print("\n".join(rows))
    lines = unreached(cases)
    if lines:
        print("\n## Where another runtime is faster")
        print("\nProfiles are each runtime's own, of a run by itself.")
        print("\n".join(lines))
    print("\n" + (HERE / "tried.md").read_text(), end="")


main()
