"""How good is the offline judge, and do corrected rates cover?

    python studies/judge_accuracy.py --data DIR --sets 500 --out studies/results/judge_accuracy.md

The judge is held against the labelled completions of XSTest (`DIR/xstest/…mistralguard.csv`): all of them,
apart by the prompt types its rules were developed on, and type by type. The second part is text of other
origin, where only one answer is right for almost all of it: answers that people wrote to instructions and
questions, chat turns, and replies to attacks that two judges found not to be jailbroken. The third part
simulates judges with known matrices, corrects the rates, and counts how often the intervals hold the truth;
uncorrected rates, and a matrix taken as if labelled 20 times over, must fail.
"""

import argparse
import csv
import json
import lzma
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from alignthermo.judges import (
    OUTCOMES,
    Exchange,
    HeuristicJudge,
    Labelled,
    LabelledSet,
    calibrate,
    confusion_of,
    correct_rates,
    read_labelled,
)
from alignthermo.judges.confusion import JUDGED

COMPLETIONS = Path("xstest") / "xstest_v2_completions_mistralguard.csv"
DEVELOPED = (
    "contrast_definitions",
    "contrast_figurative_language",
    "contrast_homonyms",
    "contrast_safe_contexts",
    "definitions",
    "historical_events",
    "nons_group_real_discr",
    "privacy_public",
    "safe_contexts",
)
"""Every other prompt type by name: the half on which the rules were written. The other half was scored first
without being read, and its disagreements were then read in two steps (see docs/judges.md)."""

TWO = np.array([[0.92, 0.05, 0.0, 0.03], [0.06, 0.90, 0.0, 0.04]])
THREE = np.array([[0.90, 0.04, 0.04, 0.02], [0.05, 0.85, 0.08, 0.02], [0.20, 0.25, 0.50, 0.05]])
SETTINGS = (
    ("two classes", TWO, (0.5, 0.5), (100, 100)),
    ("two classes", TWO, (0.9, 0.1), (100, 100)),
    ("two classes", TWO, (0.02, 0.98), (100, 100)),
    ("two classes", TWO, (0.7, 0.3), (30, 30)),
    ("three classes", THREE, (0.5, 0.4, 0.1), (150, 150, 80)),
    ("three classes", THREE, (0.7, 0.1, 0.2), (150, 150, 80)),
)


def accuracy(data: Path) -> Iterable[str]:
    """Lines of the first part."""
    labelled = read_labelled(data / COMPLETIONS)
    with (data / COMPLETIONS).open(encoding="utf-8", newline="") as file:
        kinds = {row["id"]: row["type"] for row in csv.DictReader(file)}
    halves = {
        "all": labelled.items,
        "developed on": [i for i in labelled.items if kinds[i.exchange.id] in DEVELOPED],
        "other half": [i for i in labelled.items if kinds[i.exchange.id] not in DEVELOPED],
    }
    for judge in (HeuristicJudge(), HeuristicJudge(read_requests=False)):
        for name, items in halves.items():
            yield from part(judge, name, items)


def folds(data: Path) -> Iterable[str]:
    """Lines by prompt type: nothing is fitted, so this is the spread between kinds, not a forecast."""
    labelled = read_labelled(data / COMPLETIONS)
    with (data / COMPLETIONS).open(encoding="utf-8", newline="") as file:
        kinds = {row["id"]: row["type"] for row in csv.DictReader(file)}
    judge = HeuristicJudge()
    yield "\n| prompt type | fulfilled right | refused right | partial called partial |"
    yield "|---" * 4 + "|"
    for kind in sorted(set(kinds.values())):
        items = [item for item in labelled.items if kinds[item.exchange.id] == kind]
        said = judge.judge([item.exchange for item in items])
        cells = []
        for label in OUTCOMES:
            right = [s.outcome == label for i, s in zip(items, said, strict=True) if i.label == label]
            cells.append(f"{sum(right)}/{len(right)}" if right else "")
        yield f"| {kind} | {' | '.join(cells)} |"


def others(data: Path) -> Iterable[str]:
    """Lines of the second part."""
    judge = HeuristicJudge()
    yield "\n| text | expected | n | fulfilled | refused | partial | abstain |"
    yield "|---" * 7 + "|"
    sources = (
        ("answers to instructions (self_instruct)", "fulfilled", instructions(data)),
        ("best answers to questions (TruthfulQA)", "fulfilled", questions(data)),
        ("chat and translation turns (RealGuardrails)", "fulfilled or asks back", turns(data)),
        ("replies to attacks, not jailbroken (JailbreakBench)", "mostly refused", attacks(data)),
    )
    for name, expected, rows in sources:
        distinct = list(dict.fromkeys(rows))
        asked = [Exchange(id=str(n), request=q, response=a) for n, (q, a) in enumerate(distinct)]
        found = Counter(said.outcome for said in judge.judge(asked))
        shares = " | ".join(f"{found[outcome] / len(asked):.3f}" for outcome in JUDGED)
        yield f"| {name} | {expected} | {len(asked)} | {shares} |"


def instructions(data: Path) -> Iterator[tuple[str, str]]:
    for name in ("seed_tasks.jsonl", "user_oriented_instructions.jsonl"):
        for line in (data / "self_instruct" / name).read_text(encoding="utf-8").splitlines():
            task = json.loads(line)
            for instance in task["instances"]:
                yield f"{task['instruction']}\n{instance['input']}".strip(), instance["output"]


def questions(data: Path) -> Iterator[tuple[str, str]]:
    with (data / "truthfulqa" / "TruthfulQA.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield row["Question"], row["Best Answer"]


def turns(data: Path) -> Iterator[tuple[str, str]]:
    path = data / "realguardrails" / "realguardrails_distractors.jsonl.xz"
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            said = json.loads(line)["messages"]
            for asked, reply in pairwise(said):
                if (asked["role"], reply["role"]) == ("user", "assistant"):
                    yield asked["content"], reply["content"]


def attacks(data: Path) -> Iterator[tuple[str, str]]:
    path = data / "jailbreakbench" / "jbb_attack_artifacts.jsonl.xz"
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["response"] is not None:
                yield row["goal"], row["response"]


def part(judge: HeuristicJudge, name: str, items: Iterable[Labelled]) -> Iterable[str]:
    found = calibrate(judge, LabelledSet(name=f"XSTest, {name}", items=tuple(items)))
    for table in found.tables():
        yield f"\n**{table.title}**\n"
        yield "| " + " | ".join(table.columns) + " |"
        yield "|---" * len(table.columns) + "|"
        yield from ("| " + " | ".join(row) + " |" for row in table.rows)


def coverage(sets: int, seed: int) -> Iterable[str]:
    """Lines of the second part."""
    yield "\n| system | π | labelled | class | corrected, % | matrix 20 times, % | uncorrected, % |"
    yield "|---" * 7 + "|"
    for number, (name, truth, pi, sizes) in enumerate(SETTINGS):
        rng = np.random.default_rng([seed, number])
        hits = np.mean([outcome(truth, pi, sizes, rng) for _ in range(sets)], axis=0)
        for k, label in enumerate(OUTCOMES[: len(pi)]):
            cells = " | ".join(f"{100 * share:.1f} ± {spread(share, sets):.1f}" for share in hits[:, k])
            yield f"| {name} | {pi} | {sizes} | {label} | {cells} |"


def spread(share: float, sets: int) -> float:
    return 100.0 * math.sqrt(share * (1.0 - share) / sets)


def outcome(truth, pi, sizes, rng) -> np.ndarray:
    """Whether each interval holds the truth: corrected, matrix taken for better known, uncorrected."""
    counts = [rng.multinomial(size, row) for size, row in zip(sizes, truth, strict=True)]
    tally = rng.multinomial(400, np.asarray(pi) @ truth)
    said = [name for name, n in zip(JUDGED, tally, strict=True) for _ in range(n)]
    partials = "absent" if len(pi) == 2 else "separate"
    rates = correct_rates(said, matrix(counts), partials=partials)
    exact = correct_rates(said, matrix([20 * row for row in counts]), partials=partials)
    found = (rates.corrected, exact.corrected, rates.observed)
    return np.array(
        [[held(shares[name], p) for name, p in zip(OUTCOMES, pi, strict=False)] for shares in found]
    )


def matrix(counts):
    labels = [name for name, row in zip(OUTCOMES, counts, strict=False) for _ in range(row.sum())]
    said = [name for row in counts for name, n in zip(JUDGED, row, strict=True) for _ in range(n)]
    return confusion_of(labels, said, judge="simulated")


def held(estimate, truth: float) -> bool:
    return bool(estimate.low <= truth <= estimate.high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", type=int, default=500)
    parser.add_argument("--seed", type=int, default=20264)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    command = f"python studies/judge_accuracy.py --data DIR --sets {options.sets} --seed {options.seed}"
    lines = ["# The offline judge", f"\n`{command}`", "\n## On labelled completions", *accuracy(options.data)]
    lines += ["\n### By prompt type", *folds(options.data)]
    lines += ["\n## On text of other origin", *others(options.data)]
    lines += ["\n## Coverage of 95 % intervals of corrected rates, 400 judged items"]
    lines += coverage(options.sets, options.seed)
    text = "\n".join(lines) + "\n"
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
