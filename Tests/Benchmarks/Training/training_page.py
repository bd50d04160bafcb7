"""Write the page of training's performance from the figures of a run."""

import json
import pathlib
import sys

from bench_train import PEERS, difference, geometric_mean, ratio

TITLES = {
    "graft": "Graft",
    "torch": "torch",
    "torch_compile": "torch.compile",
    "jax": "JAX",
}

HEAD = """# Performance of training

Written from measurements of {date} on {cores} cores of {processor}: one step of training, which is forward, backward and AdamW for one
batch, in float32 on {threads} threads. **torch** and **torch.compile** run the original model with `torch.optim.AdamW`, **JAX** what Graft
emits from it, with `optax.adamw` in one jitted step whose arguments are donated, and **Graft** the native `Trainer`. Times are medians in
milliseconds; each contestant is a process of its own that is stopped while another has its turn. **losses** is the largest relative
difference of Graft's first five losses to PyTorch's. How closely longer training agrees: [TrainingParity](TrainingParity.md).
"""


def cell(value, form):
    return format(value, form) if value is not None else "-"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def times(cases):
    header = ["model", *TITLES.values(), *(f"by {TITLES[p]}" for p in PEERS), "losses"]
    for case in cases:
        results = case["results"]
        row = [results.get(peer, {}).get("median") for peer in TITLES]
        row = [cell(x and 1000 * x, ".1f") for x in row]
        row += [cell(ratio(results, peer), ".2f") for peer in PEERS]
        yield header, [case["model"], *row, cell(difference(results), ".0e")]


def memory(cases):
    header = ["model", *TITLES.values(), *(f"by {TITLES[p]}" for p in PEERS)]
    for case in cases:
        results = case["results"]
        row = [results.get(peer, {}).get("peak") for peer in TITLES]
        row = [cell(x and x / 2**20, ".0f") for x in row]
        ratios = [cell(ratio(results, peer, "peak"), ".2f") for peer in PEERS]
        yield header, [case["model"], *row, *ratios]


def main():
    record = json.loads(pathlib.Path(sys.argv[1]).read_text())
    cases = record["cases"]
    threads = ", ".join(sorted({str(case["threads"]) for case in cases}))
    print(HEAD.format(**record["machine"], threads=threads))
    print("An empty column was not measured. Reproduced by `make bench-train`; run:\n")
    print("\n".join(f"- `bench_train.py {arguments}`" for arguments in record["runs"]))
    print("\n## In short\n\nGeometric means of Graft's figures by another's.\n")
    rows = [
        (
            title,
            *(
                cell(geometric_mean(ratio(c["results"], p, key) for c in cases), ".2f")
                for p in PEERS
            ),
        )
        for key, title in (("median", "time of a step"), ("peak", "peak memory"))
    ]
    print("\n".join(table(["", *(f"by {TITLES[p]}" for p in PEERS)], rows)))
    for title, part in (
        ("Milliseconds of a step", times),
        ("Peak memory, MiB", memory),
    ):
        rows = list(part(cases))
        print(
            f"\n## {title}\n\n" + "\n".join(table(rows[0][0], [row for _, row in rows]))
        )
    print("\n" + (pathlib.Path(__file__).parent / "tried.md").read_text(), end="")


main()
