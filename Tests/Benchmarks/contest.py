"""Contestants: processes that measure something when they are told to, and are stopped while it is not their turn."""

import json
import os
import pathlib
import platform
import re
import signal
import statistics
import subprocess
import sys
import time


class Contestant:
    """A process that has got ready, and what was measured of it.

    It writes JSON: first `{"first": seconds}`, then for each line `measure N` on its standard input a list of N times in seconds.
    """

    def __init__(self, name, command, threads, log):
        self.name = name
        self.times = []
        cpus = ",".join(map(str, sorted(os.sched_getaffinity(0))[:threads]))
        with log.open("w") as messages:
            self.process = subprocess.Popen(
                ["taskset", "--cpu-list", cpus, *map(str, command)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                text=True,
            )
        self.first = self.reply()["first"]
        self.process.send_signal(signal.SIGSTOP)

    def reply(self):
        line = self.process.stdout.readline()
        if not line:
            self.kill()
            raise RuntimeError(
                f"{self.name} stopped; its messages are in {self.name}.log"
            )
        return json.loads(line)

    def measure(self, count, command="measure"):
        self.process.stdin.write(f"{command} {count}\n")
        self.process.stdin.flush()
        return self.reply()

    def turn(self, seconds):
        """Measure for about so many seconds, after a call that warms up what the others have displaced."""
        self.process.send_signal(signal.SIGCONT)
        warm = self.measure(1)[0]
        count = max(1, min(2000, round(seconds / max(warm, 1e-6))))
        self.times += self.measure(count)
        self.process.send_signal(signal.SIGSTOP)

    def together(self, callers=8, rounds=3):
        """The time of calls at the same time by that of as many one after another."""
        self.process.send_signal(signal.SIGCONT)
        pairs = [self.measure(callers, "together") for _ in range(rounds)]
        self.process.send_signal(signal.SIGSTOP)
        return statistics.median(both / alone for alone, both in pairs)

    def note_peak(self):
        """Keep the most memory that the process has had so far."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        self.peak = int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024

    def finish(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()

    @property
    def summary(self):
        return {
            "median": statistics.median(self.times),
            "least": min(self.times),
            "calls": len(self.times),
            "first": self.first,
            "peak": self.peak,
        }


def contest(commands, threads, root, rounds, seconds, after=lambda contestants: None):
    """What was measured of each contestant by its name, `{"error": message}` of one that failed.

    `after` is called with the contestants between their last turns and their ends; peaks of memory are those before it.
    """
    contestants, failures = [], {}
    try:
        for name, command in commands.items():
            try:
                log = root / f"{name}.log"
                contestants.append(Contestant(name, command, threads, log))
            except (RuntimeError, json.JSONDecodeError) as error:
                failures[name] = str(error)
        for _ in range(rounds):
            for contestant in contestants:
                contestant.turn(seconds)
        for contestant in contestants:
            contestant.note_peak()
        after(contestants)
        for contestant in contestants:
            contestant.finish()
    finally:
        for contestant in contestants:
            contestant.kill()
    results = {c.name: c.summary for c in contestants}
    for name, message in failures.items():
        print(f"  {message}", file=sys.stderr)
        results[name] = {"error": message}
    return results


def serve(load):
    """Be a contestant: `load` returns what is called and measured. The result is that of the first call."""
    started = time.perf_counter()
    call = load()
    result = call()
    print(json.dumps({"first": time.perf_counter() - started}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line.split()[1])):
            started = time.perf_counter()
            call()
            times.append(time.perf_counter() - started)
        print(json.dumps(times), flush=True)
    return result


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {
        "processor": cpu[1] if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "date": time.strftime("%Y-%m-%d"),
    }
