"""Rows of a drift run whose law, compliance, reminders and controls are planted: no model is read."""

import json
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from alignthermo.experiments.drift.arms import CONTROLS
from alignthermo.experiments.drift.config import DriftConfig
from alignthermo.experiments.drift.schema import DRIFT_SCHEMA
from alignthermo.testsystems.drift_series import PlantedDrift

N_TURNS = 10
LENGTH = 1.0
"""Drift that neutral history of any length makes, nat: a length effect, and no drift of the instruction."""

NO_CONTENT = PlantedDrift(law="none", noise_sd=0.1, n_turns=N_TURNS, min_turns=N_TURNS)
LINEAR = PlantedDrift(law="linear", drift=2.0, noise_sd=0.1, n_turns=N_TURNS, min_turns=N_TURNS)
RELAXING = PlantedDrift(
    law="saturating", drift=2.0, scale=2.0, noise_sd=0.1, n_turns=N_TURNS, min_turns=N_TURNS
)
STEP = PlantedDrift(
    law="step", drift=2.0, scale=5.5, scale_sd=1.0, noise_sd=0.1, n_turns=N_TURNS, min_turns=N_TURNS
)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """What is in the rows; spans are (at the beginning, at the end of the conversation).

    Reminders set the clock of drift, log-odds and influence back to the lag; windows multiply what is beyond
    the length effect. Held-out conversations may drift by another factor.
    """

    law: PlantedDrift = LINEAR
    h: tuple[float, float] = (3.0, 3.0)
    influence: tuple[float, float] = (2.0, 2.0)
    relaxation: tuple[float, float] = (4.0, 4.0)
    entropy: tuple[float, float] = (1.5, 1.5)
    lean: float = 1.0
    arms: tuple[str, ...] = ("plain",)
    window_factor: float = 1.0
    control_offset: float = 0.5
    held_out_factor: float = 1.0
    instruction_factors: tuple[float, ...] = (1.0,)
    conversations: int = 40
    references: bool = True
    probes: int = 1
    reminder_length: int = 20
    categories: tuple[str, ...] = ("secret",)
    dropped: dict[str, str] = field(default_factory=dict)


def config(*, arms=(), **settings) -> DriftConfig:
    """Settings of a run with these arms."""
    defaults = {
        "reminders": [arm for arm in arms if "@" in arm],
        "windows": [arm for arm in arms if ":" in arm],
        "controls": ["neutral", *(arm for arm in arms if arm in CONTROLS)],
        "aligned": "shipped:aligned",
        "base": "shipped:base",
        "transcripts": "x.jsonl",
        "wish": "break it",
        "resamples": 200,
        "every": 40,
    }
    return DriftConfig.model_validate({**defaults, **settings})


def drift_rows(planted: Planted, *, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    rows = [row for arm in planted.arms for row in _arm(planted, arm, rng)]
    return pa.Table.from_pylist(rows, schema=DRIFT_SCHEMA)


def _arm(planted: Planted, arm: str, rng: np.random.Generator):
    drawn = planted.law.sample(planted.conversations, rng=rng)
    for number in range(planted.conversations):
        mine = drawn.conversation == number
        turns, tokens = drawn.turns[mine], drawn.tokens[mine]
        own_noise = drawn.value[mine] - planted.law.mean(turns)
        excess, points = drawn.value[mine], np.arange(1, turns.size + 1)
        lag_turns, lag_tokens, reminders = _since_reminder(arm, turns, tokens)
        if "@" in arm:
            excess = planted.law.mean(lag_turns) + own_noise
        factor = planted.instruction_factors[number % len(planted.instruction_factors)]
        factor *= planted.held_out_factor if number % 5 < 2 else 1.0
        excess = excess * factor * (planted.window_factor if ":" in arm else 1.0)
        excess = excess + (planted.control_offset if arm in CONTROLS else 0.0)
        clocks = (lag_turns if "@" in arm else turns) / planted.law.n_turns
        whole = np.concatenate
        yield from _conversation(
            planted,
            {"arm": arm, "number": number, "factor": factor},
            point=whole([[0], points]),
            turns=whole([[0.0], turns]),
            tokens=whole([[0.0], tokens]),
            lag=(whole([[0.0], lag_turns]), whole([[0.0], lag_tokens]), whole([[0], reminders])),
            excess=whole([[0.0], excess]),
            clock=whole([[0.0], clocks]),
            rng=rng,
        )


def _since_reminder(arm, turns, tokens):
    """Lags in turns and tokens, and reminders in the context; one comes before what is asked K tokens on."""
    _, _, where = arm.partition("@")
    if where == "end":
        return np.zeros(turns.size), np.zeros(turns.size), np.ones(turns.size, dtype=int)
    if not where.isdecimal():
        return turns, tokens, np.full(turns.size, int(where == "start"))
    lag_turns, lag_tokens, count = [], [], []
    at_turn, at_token, seen = 0.0, 0.0, 0
    for turn, token in zip(turns, tokens, strict=True):
        if token - at_token >= int(where):
            at_turn, at_token, seen = turn, token, seen + 1
        lag_turns.append(turn - at_turn)
        lag_tokens.append(token - at_token)
        count.append(seen)
    return np.array(lag_turns), np.array(lag_tokens), np.array(count)


def _conversation(planted, base, *, point, turns, tokens, lag, excess, clock, rng):
    number = base["number"]
    instruction = number % max(len(planted.instruction_factors), 10)
    shared = {
        "conversation": f"c{number}",
        "arm": base["arm"],
        "category": planted.categories[instruction % len(planted.categories)],
        "instruction": f"i{instruction}",
        "number": number,
        "held_out": number % 5 < 2,
    }
    spans = {
        name: _along(getattr(planted, name), clock, rng) for name in ("influence", "relaxation", "entropy")
    }
    spans["relaxation"] *= base["factor"]
    h = _along(planted.h, clock, rng)
    for i in range(point.size):
        length = LENGTH * (point[i] > 0)
        place = {
            **shared,
            "point": int(point[i]),
            "turns": int(turns[i]),
            "tokens": int(tokens[i]),
            "context_tokens": int(tokens[i]) + 30,
            "lag_turns": int(lag[0][i]),
            "lag_tokens": int(lag[1][i]),
            "reminders": int(lag[2][i]),
            "reminder_tokens": int(lag[2][i]) * planted.reminder_length,
            "dropped": 0,
        }
        for probe in range(planted.probes):
            noise = 0.05 * rng.standard_normal() * (point[i] > 0)
            row = {
                **place,
                "kind": "probe",
                "probe": f"p{probe}",
                "answers": 2,
                "truncated": 0,
                "drift": max(length + excess[i] + noise, 0.0),
                "control": max(length + 0.05 * rng.standard_normal() * (point[i] > 0), 0.0),
                "to_wish": 3.0,
                "nearest": ("base" if planted.lean > 0 else "wish") if h[i] < 0.0 else "",
                "lean": planted.lean if h[i] < 0.0 else None,
                **{name: max(span[i], 0.0) for name, span in spans.items()},
                "attention": [0.5 / (1.0 + clock[i]), 0.2],
                "attention_uniform": 0.1,
            }
            if base["arm"] in CONTROLS:
                row["control"] = None
            if planted.references:
                row |= {"h_here": h[i], "h_start": planted.h[0], "h_base": -2.0, "mass_here": 0.95}
                row |= {"kept": float(h[i] > 0.0), "determined": 2}
            row |= {name: None for name in planted.dropped}
            yield {**row, "reasons": json.dumps(planted.dropped)}
        said = {"literal": 5.0 * (point[i] > 0), "entropy": spans["entropy"][i]}
        yield {**place, "kind": "answer", "probe": "", **said}


def _along(span, clock, rng):
    course = span[0] + (span[1] - span[0]) * clock
    return course + 0.1 * rng.standard_normal() + 0.1 * rng.standard_normal(clock.size)
