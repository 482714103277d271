"""`python -m benchmarks.drift`: time of probing a transcript against recomputing it, and its growth.

Both ways run in one process on one thread with the same model, turn and turn about; the largest difference of
any distance is printed beside. Growth is the slope of ln time against ln length over transcripts of different
lengths with a probe every 32 tokens.
"""

import argparse
import platform
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
import torch

from alignthermo.observables.drift.probe_case import ProbeCase
from alignthermo.observables.forest import Sampling
from benchmarks.drift import contenders
from benchmarks.drift.material import MODELS, Readers, Size, cases, in_float64

_Result = TypeVar("_Result")
Took = tuple[float, float]  # wall and processor seconds

# name -> with all contexts, answers, references of either kind
SETS = {
    "drift alone, 1 answer": (False, 1, 0),
    "drift alone, 2 answers": (False, 2, 0),
    "drift, influence, control, relaxation, log-odds; 2 answers, 4 + 4 references": (True, 2, 4),
}


def main() -> None:
    options = _arguments()
    torch.set_num_threads(1)
    lines = [_machine(), ""]
    for name in options.models:
        readers = MODELS[name]()
        # Once, at full length: what a model is probed for when it is first read is not repeated later.
        contenders.meter(readers, _cases(readers, max(options.lengths), controls=True), base=True)
        lines += [*_speed(name, readers, options), "", *_growth(name, readers, options), ""]
    if options.write:
        _write(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 256, 512, 1024, 2048])
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--most-tokens", type=int, default=60_000, help="the plain ways read about so many")
    parser.add_argument("--write", action="store_true", help="replace the measured part of RESULTS.md")
    return parser.parse_args()


def _cases(
    readers: Readers, length: int, *, controls: bool, answers: int = 1, references: int = 0
) -> list[ProbeCase]:
    size = Size(length=length, answers=answers, references=references)
    return cases(size, words=readers.words, controls=controls, sampled=answers == 0)


HEAD = (
    "tokens from scratch",
    "meter: s (processor)",
    "a forward per answer: s (processor)",
    "faster",
    "a batch per context: s (processor)",
    "faster",
    "largest error against float64 (against float32)",
)


def _speed(name: str, readers: Readers, options: argparse.Namespace) -> list[str]:
    lines = [f"| {' | '.join((name, *HEAD))} |", "|" + "---|" * (len(HEAD) + 1)]
    print("\n".join(lines), flush=True)
    for label in options.sets:
        full, answers, references = SETS[label]
        probes = _cases(readers, options.length, controls=full, answers=answers, references=references)
        tokens = contenders.tokens_from_scratch(probes, base=full)
        # Every so many of the points, their time scaled up by their tokens: the plain ways take long.
        some = probes[:: -(-tokens // options.most_tokens)]
        ways = {
            "meter": partial(contenders.meter, readers, probes, base=full),
            "forwards": partial(contenders.from_scratch, readers, some, base=full),
            "batches": partial(contenders.from_scratch, readers, some, base=full, together=True),
        }
        found, took = _turn_about(ways, options.repeats)
        scale = tokens / contenders.tokens_from_scratch(some, base=full)
        took |= {way: (took[way][0] * scale, took[way][1] * scale) for way in ("forwards", "batches")}
        exact = contenders.from_scratch(in_float64(readers), some, base=full)
        errors = [_error(found["meter"], exact), _error(found["meter"], found["forwards"])]
        lines.append(_row(label, took, f"{tokens:,}", f"{errors[0]:.2g} ({errors[1]:.2g})"))
        print(lines[-1], flush=True)
    if options.sets != list(SETS):
        return lines
    probes = _cases(readers, options.length, controls=False, answers=0)
    sampling = Sampling(n=2, seed=0, max_new_tokens=8)
    sampled = {
        "meter": partial(contenders.sampling_meter, readers, probes, sampling),
        "forwards": partial(contenders.sampling_from_scratch, readers, probes, sampling),
    }
    _, took = _turn_about(sampled, options.repeats)
    lines.append(_row("drift alone, 2 sampled answers", took, "", ""))
    print(lines[-1], flush=True)
    return lines


def _turn_about(
    ways: dict[str, Callable[[], _Result]], repeats: int
) -> tuple[dict[str, _Result], dict[str, Took]]:
    """Run every way in turn, so often; the medians of their times."""
    found: dict[str, _Result] = {}
    took: dict[str, list[Took]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            found[name], one = _timed(way)
            took[name].append(one)
    middle = {name: tuple(median(c) for c in zip(*runs, strict=True)) for name, runs in took.items()}
    return found, {name: (wall, work) for name, (wall, work) in middle.items()}


def _row(label: str, took: dict[str, Took], tokens: str, error: str) -> str:
    a, b = took["meter"]
    cells = [label, tokens, f"{a:.2f} ({b:.2f})"]
    for name in ("forwards", "batches"):
        wall, work = took.get(name, (float("nan"), float("nan")))
        cells += [f"{wall:.2f} ({work:.2f})", f"{wall / a:.1f} x ({work / b:.1f} x)"]
    return f"| {' | '.join([*cells, error])} |".replace("nan (nan)", "").replace("nan x (nan x)", "")


def _growth(name: str, readers: Readers, options: argparse.Namespace) -> list[str]:
    columns = (f"{name}: transcript tokens", *map(str, options.lengths), "exponent (processor)")
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    print("\n".join(lines), flush=True)
    ways: dict[str, Callable[..., object]] = {
        "meter": contenders.meter,
        "a forward per answer": contenders.from_scratch,
    }
    for label, way in ways.items():
        took = [_shortest(readers, options, length, way) for length in options.lengths]
        wall, work = (np.polyfit(np.log(options.lengths), np.log([t[n] for t in took]), 1)[0] for n in (0, 1))
        cells = [f"{a:.2f} ({b:.3f})" for a, b in took]
        lines.append(f"| {label}: s (processor) | {' | '.join(cells)} | {wall:.2f} ({work:.2f}) |")
        print(lines[-1], flush=True)
    return lines


def _shortest(readers: Readers, options: argparse.Namespace, length: int, way: Callable[..., object]) -> Took:
    """Return the shortest of some runs over one length; the plain way reads some of the points."""
    probes = _cases(readers, length, controls=False)
    tokens = contenders.tokens_from_scratch(probes, base=False)
    some = probes if way is contenders.meter else probes[:: -(-tokens // options.most_tokens)]
    scale = tokens / contenders.tokens_from_scratch(some, base=False)
    repeats = options.repeats + 2 if way is contenders.meter else options.repeats
    runs = [_timed(partial(way, readers, some, base=False))[1] for _ in range(repeats)]
    wall, work = (min(column) for column in zip(*runs, strict=True))
    return (wall, work) if way is contenders.meter else (wall * scale, work * scale)


def _timed(work: Callable[[], _Result]) -> tuple[_Result, Took]:
    start, started = time.perf_counter(), time.process_time()
    result = work()
    return result, (time.perf_counter() - start, time.process_time() - started)


def _error(ours: dict[str, contenders.Distances], expected: dict[str, contenders.Distances]) -> float:
    """Largest deviation of any distance in units of 1e-5 relative + 1e-7 nat."""
    parts = [
        np.abs(ours[key][name] - values) / (1e-7 + 1e-5 * np.abs(values))
        for key, distances in expected.items()
        for name, values in distances.items()
        if name != "log_odds"
    ]
    return float(np.concatenate(parts).max())


def _machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((x.split(":")[1].strip() for x in lines if "model name" in x), platform.processor())
    load = f", load {Path('/proc/loadavg').read_text().split()[0]}" if lines else ""
    return f"{model}, torch {torch.__version__}, one thread{load}"


def _write(lines: Sequence[str]) -> None:
    path = Path(__file__).parent / "RESULTS.md"
    mark = "<!-- measured -->\n"
    before = path.read_text(encoding="utf-8").split(mark)[0] if path.exists() else ""
    path.write_text(before + mark + "\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
