"""Time and peak memory of a whole conversion against a process that only builds the model and exports it.

Both are whole processes, run in turn.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROUNDS = int(os.environ.get("GRAFT_BENCH_ROUNDS", "5"))
TRACER = HERE.parents[1] / "Frontends" / "Torch" / "Tracer"
# Beside a torch without CUDA, torchvision's operators have to be declared before it is imported.
EXPORT = f"""
import sys
sys.path[:0] = [{str(HERE)!r}, {str(TRACER)!r}]
import entry
entry.install_torchvision_hook()
import models
models.export_resnet18()
"""


def run(command):
    """Seconds and peak MiB of a process."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{errors.decode()}")
    return seconds, usage.ru_maxrss / 1024


def main():
    convert = [os.environ["GRAFT"], "transpile", "torchvision.models:resnet18"]
    convert += ["--input", "f32[N,3,224,224]", "--to", "jax", "--no-verify", "--quiet"]
    measured = [], []
    weights = 0.0
    with tempfile.TemporaryDirectory() as folder:
        commands = [*convert, "-o", folder], [sys.executable, "-c", EXPORT]
        for command in commands:
            run(command)
        for _ in range(ROUNDS):
            for command, collected in zip(commands, measured):
                collected.append(run(command))
        file = pathlib.Path(folder) / "resnet18.safetensors"
        weights = file.stat().st_size / 2**20
    (seconds, memory), (own_seconds, own_memory) = (
        [statistics.median(column) for column in zip(*rows)] for rows in measured
    )
    print(f"{'':20} {'graft':>10} {'export':>10}   medians of {ROUNDS}")
    print(
        f"{'whole process':20} {seconds:8.2f} s {own_seconds:8.2f} s"
        f"   ratio {seconds / own_seconds:.2f}, difference {seconds - own_seconds:+.2f} s"
    )
    print(
        f"{'peak memory':20} {memory:6.0f} MiB {own_memory:6.0f} MiB"
        f"   ratio {memory / own_memory:.2f}, difference {memory - own_memory:+.0f} MiB"
        f" (weights {weights:.0f} MiB)"
    )


main()
