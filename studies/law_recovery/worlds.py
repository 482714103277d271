"""The planted worlds: curves of α, sweeps drawn from them, systems with replies of their own."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from alignthermo.estimators.laws import HeldRamp, ReplyRun, Sweep
from alignthermo.testsystems.conversational import (
    Composition,
    ConstantResponse,
    ContextLaw,
    Contexts,
    DecayingMemory,
    EditRamp,
    EvidenceAccumulator,
    MeanField,
    UniformWorld,
    arranged,
    geometric_kernel,
    simulate_ramps,
    simulate_rollouts,
    simulate_sweep,
)

GRID = np.linspace(0.0, 1.0, 17)
PROMPTS = 50
LENGTH = 400.0
SPREAD = 0.06
"""Standard deviation of the prompts' thresholds, in α."""
SCATTER = 0.7
"""Standard deviation of h between contexts of one prompt and α, for probabilities and log-odds."""

Curve = Callable[[np.ndarray], np.ndarray]
CURVES: dict[str, Curve] = {
    "line": lambda a: np.clip(0.95 - 0.85 * a, 0.0, 1.0),
    "logistic": lambda a: 0.05 + 0.9 * expit(8.0 * (0.5 - a)),
    "logistic with floor": lambda a: 0.3 + 0.67 * expit(12.0 * (0.55 - a)),
    "power law": lambda a: 0.95 - 0.85 * np.clip(a, 0.0, 1.0) ** 2,
    "power law, early": lambda a: 0.95 - 0.8 * np.clip(a, 0.0, 1.0) ** 0.6,
    "accumulation": lambda a: expit(1.0 + 0.0125 * LENGTH * (1.0 - a) - 0.0125 * LENGTH * a),
}


def as_sweep(y: np.ndarray, grid: np.ndarray, *, kind: str, trials: int = 1, length: float = LENGTH) -> Sweep:
    alpha = np.tile(grid, y.shape[0])
    return Sweep(
        cluster=np.repeat(np.arange(y.shape[0]), grid.size),
        n_instr=length * (1.0 - alpha),
        n_adv=length * alpha,
        y=y.ravel().astype(float),
        trials=np.full(alpha.size, float(trials)) if kind == "counts" else None,
        kind=kind,
        column="kept",
    )


def sweep_of(
    curve: Curve,
    grid: np.ndarray,
    rng: np.random.Generator,
    *,
    kind: str = "counts",
    trials: int = 1,
    spread: float = SPREAD,
) -> Sweep:
    """One sweep: a normal threshold shift per prompt; replies, or probabilities that scatter by context."""
    shift = spread * rng.standard_normal((PROMPTS, 1))
    p = curve(grid - shift)
    if kind == "counts":
        return as_sweep(rng.binomial(trials, p), grid, kind=kind, trials=trials)
    h = _logit(p) + SCATTER * rng.standard_normal(p.shape)
    return as_sweep(expit(h) if kind == "probability" else h, grid, kind=kind)


def true_threshold(curve: Curve, kind: str = "counts") -> float:
    """α at which the population mean is 1/2 (0 on log-odds), over thresholds and contexts."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    weights = weights / weights.sum()

    def excess(alpha: float) -> float:
        h = _logit(curve(alpha - SPREAD * nodes))
        if kind == "log_odds":
            return float(weights @ h)
        scatter = SCATTER * nodes if kind == "probability" else np.zeros(1)
        mean = expit(h[:, None] + scatter)
        return float(weights @ (mean @ weights if kind == "probability" else mean[:, 0])) - 0.5

    return float(brentq(excess, 0.0, 1.0))


def _logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-9, 1.0 - 1e-9)
    return np.log(p / (1.0 - p))


def multi_length(gamma: float, rng: np.random.Generator, *, kind: str = "counts", trials: int = 2) -> Sweep:
    """Lengths 100 to 800; a field of sd 1 per prompt; within-prompt slope 2.25 (L/400)^γ.

    Probabilities are those of the law itself, without any noise.
    """
    field = rng.standard_normal((PROMPTS, 1))
    parts = []
    for length in (100.0, 200.0, 400.0, 800.0):
        p = expit((length / 400.0) ** gamma * 9.0 * (0.5 - GRID) + field)
        y = rng.binomial(trials, p) if kind == "counts" else p
        parts.append(as_sweep(y, GRID, kind=kind, trials=trials, length=length))
    return joined(parts, [100.0, 200.0, 400.0, 800.0])


def joined(parts: list[Sweep], lengths: list[float]) -> Sweep:
    """Put sweeps of several lengths together, prompts paired."""
    names = ("cluster", "n_instr", "n_adv", "y", "trials")
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in names
        if getattr(parts[0], name) is not None
    }
    wanted = np.concatenate([np.full(p.y.size, length) for p, length in zip(parts, lengths, strict=True)])
    return Sweep(**arrays, kind=parts[0].kind, column="kept", length=wanted)


@dataclass(frozen=True)
class Remembered:
    """A system that keeps the tables of its replies: ramps and rollouts ask for the same ones every time."""

    law: ContextLaw
    tables: dict[bytes, np.ndarray] = field(default_factory=dict)

    @property
    def order_memory(self) -> int:
        return self.law.order_memory

    @property
    def own_memory(self) -> int:
        return self.law.own_memory

    def log_odds(self, contexts: Contexts) -> np.ndarray:
        if contexts.own.shape[1] == 0:
            return self.law.log_odds(contexts)
        key = contexts.material.tobytes() + contexts.tokens.tobytes() + contexts.own.tobytes()
        key = hashlib.sha1(key, usedforsecurity=False).digest()
        if key not in self.tables:
            self.tables[key] = self.law.log_odds(contexts)
        return self.tables[key]

    def tilted(self, shift: float) -> "Remembered":
        return Remembered(self.law.tilted(shift))


TURNS, TOKENS = 48, 8
RAMP_GRID = np.linspace(0.0, 1.0, 9)
LAWS: dict[str, ContextLaw] = {
    "mean field, ordered": MeanField(coupling=1.8, alpha_c=0.5, slope=1.0, tokens_per_spin=8, window=12),
    "mean field, critical": MeanField(coupling=1.0, alpha_c=0.5, slope=1.0, tokens_per_spin=8, window=12),
    "accumulator": EvidenceAccumulator(
        field=0.4, per_instruction_token=0.02, per_adversarial_token=0.02, own_kernel=(0.15,) * 10
    ),
    "decaying memory": DecayingMemory(
        field=0.3, kernel=geometric_kernel(1.2, ratio=0.6, memory=8), own_kernel=(0.15,) * 6
    ),
    "uniform world": UniformWorld(own_window=12),
    "constant": ConstantResponse(field=0.5),
}
SYSTEMS = {name: Remembered(law) for name, law in LAWS.items()}


def drawn_sweep(law: ContextLaw, rng: np.random.Generator, *, trials: int = 1) -> Sweep:
    """Sweep of a system over four lengths, the prompts' fields of sd 0.5, replies in each of its contexts."""
    fields = 0.5 * rng.standard_normal(PROMPTS)
    parts, lengths = [], []
    for n in (8, 16, 32, 64):
        n_adv = np.unique(np.round(np.linspace(0, n, 17)).astype(int))
        composition = Composition(n_turns=n, turn_tokens=TOKENS)
        draws = simulate_sweep(law, composition, n_adv=n_adv.tolist(), prompt_fields=fields, rng=rng)
        kept = rng.binomial(trials, expit(draws.log_odds)).T
        lengths.append(float(n * TOKENS))
        parts.append(as_sweep(kept, n_adv / n, kind="counts", trials=trials, length=lengths[-1]))
    return joined(parts, lengths)


def rollouts(
    law: ContextLaw, rng: np.random.Generator, *, replicates: int = 200, turns: int = 64
) -> ReplyRun:
    """Own replies in one context at α = 1/2."""
    middle = Contexts.of(arranged(TURNS, n_adv=TURNS // 2, order="interleaved")[None], turn_tokens=TOKENS)
    kept = simulate_rollouts(law, middle, n_replies=turns, replicates=replicates, rng=rng).astype(float)
    return ReplyRun(kept=kept, inputs=np.zeros((*kept.shape, 0)))


def edit_ramp(hold: int, *, keeps_replies: bool = True) -> EditRamp:
    return EditRamp(
        alphas=tuple(RAMP_GRID.tolist()),
        hold=hold,
        n_turns=TURNS,
        turn_tokens=TOKENS,
        keeps_replies=keeps_replies,
    )


def held_ramp(law: ContextLaw, hold: int, rng: np.random.Generator, *, replicates: int = 150) -> HeldRamp:
    """Replicates of an edit ramp that keeps own replies."""
    kept = simulate_ramps(law, edit_ramp(hold), replicates=replicates, rng=rng).kept.astype(float)
    in_time = np.concatenate([kept[:, 0], kept[:, 1, ::-1]], axis=1).reshape(replicates, -1)
    reached = np.round(RAMP_GRID * TURNS) / TURNS
    field = 1.0 - 2.0 * np.repeat(np.concatenate([reached, reached[::-1]]), hold)
    inputs = np.tile(field[None, :, None], (replicates, 1, 1))
    return HeldRamp(
        run=ReplyRun(kept=in_time, inputs=inputs),
        alphas=RAMP_GRID,
        hold=hold,
        protocol="edit, own replies kept",
    )
