"""Write the page of training's performance from the figures of a run."""

import json
import pathlib
import sys

from bench_train import PEERS, difference
from report import TITLES, cell, commands, figure, mean_ratio, ratio, table

CONTESTANTS = ("graft", *PEERS)
RATIOS = [f"by {TITLES[peer]}" for peer in PEERS]

HEAD = """# Performance of training

Written from measurements of {date} on {cores} cores of {processor}: one step of training, which is forward, backward and AdamW for one
batch, in float32 on {threads} threads. **torch** and **torch.compile** run the original model with `torch.optim.AdamW`, **JAX** what Graft
emits from it, with `optax.adamw` in one jitted step whose arguments are donated, and **Graft** the native `Trainer`. Times are medians in
milliseconds; each contestant is a process of its own that is stopped while another has its turn. **losses** is the largest relative
difference of Graft's first five losses to PyTorch's. How closely longer training agrees: [TrainingParity](TrainingParity.md).

An empty column was not measured. Reproduced by `make bench-train`; run:
"""


def summary(cases):
    rows = [
        [title, *(cell(mean_ratio(cases, peer, key), ".2f") for peer in PEERS)]
        for title, key in (("time of a step", "median"), ("peak memory", "peak"))
    ]
    return table(["", *RATIOS], rows)


def comparison(cases, key, scale, form, **columns):
    """A table of all contestants' figures times `scale`, and of Graft's by each other's; `columns` are functions of results."""
    rows = []
    for case in cases:
        results = case["results"]
        row = [cell(figure(results, x, key), form, scale) for x in CONTESTANTS]
        row += [cell(ratio(results, peer, key), ".2f") for peer in PEERS]
        row += [cell(column(results), ".0e") for column in columns.values()]
        rows.append([case["model"], *row])
    titles = [TITLES[contestant] for contestant in CONTESTANTS]
    return table(["model", *titles, *RATIOS, *columns], rows)


def main():
    record = json.loads(pathlib.Path(sys.argv[1]).read_text())
    cases = record["cases"]
    threads = ", ".join(sorted({str(case["threads"]) for case in cases}))
    print(HEAD.format(**record["machine"], threads=threads))
    print(commands("bench_train.py", record["runs"]))
    print("\n## In short\n\nGeometric means of Graft's figures by another's.\n")
    print(summary(cases))
    print("\n## Milliseconds of a step\n")
    print(comparison(cases, "median", 1e3, ".1f", losses=difference))
    print("\n## Peak memory, MiB\n")
    print(comparison(cases, "peak", 2**-20, ".0f"))
    print("\n" + (pathlib.Path(__file__).parent / "tried.md").read_text(), end="")


main()
