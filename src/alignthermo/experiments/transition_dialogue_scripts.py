"""The scripts of a dialogue job, and what its rows say before a word is spoken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alignthermo.errors import InputError
from alignthermo.experiments.own_turns import (
    AppendPlan,
    EditPlan,
    EscalationPlan,
    EscalationScript,
    RampScript,
    RolloutPlan,
    RolloutScript,
    Rung,
    Script,
)
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_dialogue_jobs import ESCALATION, ROLLOUT, Job
from alignthermo.experiments.transition_scenes import SceneMaterial
from alignthermo.quantities import Message

__all__ = ["JobScripts", "scripts_of"]


@dataclass(frozen=True, kw_only=True)
class JobScripts:
    """Scripts, one per replicate, and the columns that are known before a word is said."""

    scripts: Sequence[Script]
    columns: Mapping[str, np.ndarray]


def scripts_of(job: Job, material: SceneMaterial, config: TransitionConfig) -> JobScripts:
    """Compose what is said to the model in one job.

    Raises
    ------
    InputError, ConfigError
        The material or the design do not allow the job.
    """
    if job.protocol == ROLLOUT:
        return _rollout(job, material, config)
    if job.protocol == ESCALATION:
        return _escalation(job, material, config)
    if job.protocol == "append_only":
        return _append_ramp(job, material, config)
    return _edit_ramp(job, material, config)


def _rollout(job: Job, material: SceneMaterial, config: TransitionConfig) -> JobScripts:
    rung = material.rung(job.alpha)
    if rung is None:
        raise InputError(f"an append-only design has no α of {job.alpha:g}")
    n_turns = config.rollout_turns[-1]
    plan = RolloutPlan(rungs=(rung,), requests=material.requests, n_turns=n_turns, window=config.own_window)
    shape = (config.rollouts, n_turns)
    names = _names(material)
    asked = [names[turn % len(names)] for turn in range(n_turns)]
    return JobScripts(
        scripts=[RolloutScript(plan=plan, rung=rung)] * config.rollouts,
        columns={
            "way": np.zeros(shape, dtype=int),
            "ratio": np.zeros(shape, dtype=int),
            "alpha": np.full(shape, rung.alpha),
            "context_alpha": np.full(shape, rung.alpha),
            "label": np.zeros(shape, dtype=int),
            "prompt_id": np.tile(np.array(asked, dtype=object), (config.rollouts, 1)),
        },
    )


def _edit_ramp(job: Job, material: SceneMaterial, config: TransitionConfig) -> JobScripts:
    reached: dict[float, Rung] = {}
    for alpha in config.ramp_alphas:
        rung = material.rung(alpha)
        if rung is not None:
            reached.setdefault(rung.alpha, rung)
    plan = EditPlan(
        rungs=tuple(reached[alpha] for alpha in sorted(reached)),
        requests=material.requests,
        hold=job.hold,
        arm=job.arm,  # type: ignore[arg-type]
        neutral=config.neutral_reply,
        window=config.own_window,
    )
    scripts = [RampScript(plan=plan, replicate=index) for index in range(config.ramps)]
    columns = _ramp_columns(scripts, material)
    alphas = np.array(plan.alphas)[columns["ratio"]]
    return JobScripts(
        scripts=scripts,
        columns={
            **columns,
            "alpha": alphas,
            "context_alpha": alphas,
            "label": np.zeros(alphas.shape, dtype=int),
        },
    )


def _append_ramp(job: Job, material: SceneMaterial, config: TransitionConfig) -> JobScripts:
    plan = AppendPlan(
        alphas=config.ramp_alphas,
        instruction=material.pool("instruction"),
        adversarial=material.pool("adversarial"),
        requests=material.requests,
        hold=job.hold,
        arm=job.arm,  # type: ignore[arg-type]
        neutral=config.neutral_reply,
        opening=material.opening,
        window=config.own_window,
    )
    scripts = [RampScript(plan=plan, replicate=index) for index in range(config.ramps)]
    columns = _ramp_columns(scripts, material)
    turns = range(plan.labels.size)
    said = [[plan.material(script.replicate, turn) for turn in turns] for script in scripts]
    labels = np.tile(plan.labels, (config.ramps, 1))
    return JobScripts(
        scripts=scripts,
        columns={
            **columns,
            "alpha": np.array(plan.alphas)[columns["ratio"]],
            "context_alpha": _reached(labels, said, material, config.own_window),
            "label": labels,
        },
    )


def _escalation(job: Job, material: SceneMaterial, config: TransitionConfig) -> JobScripts:
    n_turns = config.warning_turns
    plan = EscalationPlan(
        opening=material.opening,
        instruction=material.pool("instruction"),
        adversarial=material.pool("adversarial"),
        filler=material.pool("filler"),
        requests=material.requests,
        n_turns=n_turns,
        arm=job.arm,  # type: ignore[arg-type]
        seed=config.seed,
        window=config.own_window,
    )
    # half of the harmless ones set the detectors, half judge them beside the attacks
    replicates = config.warnings * (1 if job.arm == "attack" else 2)
    scripts = [EscalationScript(plan=plan, replicate=index) for index in range(replicates)]
    labels = np.stack([script.labels for script in scripts])
    said = [[script.material(turn) for turn in range(n_turns)] for script in scripts]
    names = _names(material)
    asked = [[names[script.request_place(turn)] for turn in range(n_turns)] for script in scripts]
    return JobScripts(
        scripts=scripts,
        columns={
            "way": np.zeros(labels.shape, dtype=int),
            "ratio": np.tile(np.arange(n_turns), (replicates, 1)),
            "alpha": np.tile(np.arange(n_turns) / (n_turns - 1), (replicates, 1)),
            "context_alpha": _reached(labels, said, material, config.own_window),
            "label": labels,
            "prompt_id": np.array(asked, dtype=object),
        },
    )


def _ramp_columns(scripts: Sequence[RampScript], material: SceneMaterial) -> dict[str, np.ndarray]:
    turns = range(scripts[0].n_turns)
    ratio = np.array([[script.ratio(turn) for turn in turns] for script in scripts])
    names = _names(material)
    asked = [[names[script.request_place(turn)] for turn in turns] for script in scripts]
    way = np.tile(np.arange(len(turns)) >= len(turns) // 2, (len(scripts), 1)).astype(int)
    return {"ratio": ratio, "way": way, "prompt_id": np.array(asked, dtype=object)}


def _reached(
    labels: np.ndarray,
    said: Sequence[Sequence[tuple[Message, ...]]],
    material: SceneMaterial,
    window: int,
) -> np.ndarray:
    r"""α of the appended material in the context at every own turn, in tokens, the system text included.

    .. math:: \alpha_t = \frac{\sum N_{adv}}{\sum (N_{adv} + N_{instr})}

    over the system text and the turns of material that stay. Formula F-197 in docs/formulas.md.
    """
    costs = {turn: material.tokens(turn) for row in said for turn in row}
    tokens = np.array([[costs[turn] for turn in row] for row in said], dtype=np.float64)
    opening = float(material.tokens(material.opening)) if material.opening else 0.0
    reached = np.empty(labels.shape)
    for turn in range(labels.shape[1]):
        kept = slice(max(0, turn - window), turn + 1)
        against = (tokens[:, kept] * (labels[:, kept] < 0)).sum(axis=1)
        for_it = (tokens[:, kept] * (labels[:, kept] > 0)).sum(axis=1) + opening
        reached[:, turn] = against / np.maximum(against + for_it, 1.0)
    return reached


def _names(material: SceneMaterial) -> tuple[str, ...]:
    return tuple(prompt.id for prompt in material.prompts.values())
