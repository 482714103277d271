"""What the dialogues of a run can cost at most, before a weight is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_dialogue_jobs import ESCALATION, OFFSETS, ROLLOUT, Job, jobs_of
from alignthermo.experiments.transition_material import Sources
from alignthermo.experiments.transition_rows import TRANSITION_SCHEMA
from alignthermo.experiments.transition_scenes import Scene, SceneMaterial, scenes_of
from alignthermo.quantities import Message, Tokenizer

__all__ = ["DialogueBound", "dialogue_bound"]


@dataclass(frozen=True, kw_only=True)
class DialogueBound:
    """Own turns of all dialogues, and the tokens they read at most.

    Every turn reads its context and all reference answers once; what replicates share is read less often, and
    turns of material and exchanges are taken to be as long as the longest.
    """

    own_turns: int = 0
    tokens: int = 0


def dialogue_bound(config: TransitionConfig, sources: Sources, *, tokenizer: Tokenizer) -> DialogueBound:
    """Count the dialogues of a run; rollouts whose ratios are not given are taken at every offset.

    Raises
    ------
    AlignthermoError
        As `scenes_of` and `SceneMaterial`.
    """
    if not config.has_dialogues:
        return DialogueBound()
    turns = tokens = 0
    for scene in scenes_of(config, sources):
        sizes = _Sizes.of(scene, config, sources, tokenizer)
        for job in jobs_of(config, scene, TRANSITION_SCHEMA.empty_table()):
            times = len(OFFSETS) if job.protocol == ROLLOUT and not config.rollout_alphas else 1
            replicates, n_turns = _shape(job, config)
            turns += times * replicates * n_turns
            tokens += times * replicates * sizes.read(job, n_turns, config)
    return DialogueBound(own_turns=turns, tokens=tokens)


@dataclass(frozen=True, kw_only=True)
class _Sizes:
    """Tokens of the longest turn of material, the longest exchange, the opening, and all answers."""

    turn: int
    exchange: int
    opening: int
    answers: int

    @classmethod
    def of(cls, scene: Scene, config: TransitionConfig, sources: Sources, tokenizer: Tokenizer) -> "_Sizes":
        material = SceneMaterial(scene, config=config, sources=sources, tokenizer=tokenizer)
        pools = [turn for kind in ("instruction", "adversarial", "filler") for turn in material.pool(kind)]
        answers = [
            [material.tokens([Message(role="assistant", content=text)]) for text in texts]
            for texts in ((*r.compliant, *r.defiant) for r in material.requests)
        ]
        longest = max(max(row) for row in answers)
        if config.own_replies == "sampled":
            longest = max(longest, config.max_new_tokens)
        asked = max(material.tokens(request.messages) for request in material.requests)
        return cls(
            turn=max(map(material.tokens, pools)),
            exchange=asked + longest,
            opening=material.tokens(material.opening) if material.opening else 0,
            answers=max(map(sum, answers)),
        )

    def read(self, job: Job, n_turns: int, config: TransitionConfig) -> int:
        """Count the tokens that one dialogue reads."""
        kept = np.minimum(np.arange(n_turns), config.own_window)
        if job.protocol in ("append_only", ESCALATION):
            context = self.opening + (kept + 1) * (self.turn + self.exchange)
        else:
            said = np.zeros(n_turns, dtype=int) if job.arm == "none" else kept
            context = int(_longest(config)) + self.turn + (said + 1) * self.exchange
        twice = 2 if job.protocol == ESCALATION else 1
        return int((twice * context + self.answers).sum())


def _longest(config: TransitionConfig) -> float:
    """Tokens of the longest material that is written anew."""
    alphas: Sequence[float] = [a for a in (*config.ramp_alphas, *config.rollout_alphas, *config.alphas)]
    return max(sum(size) for size in config.sizes_at(alphas, config.lengths[:1]))


def _shape(job: Job, config: TransitionConfig) -> tuple[int, int]:
    """Replicates and own turns."""
    if job.protocol == ROLLOUT:
        return config.rollouts, config.rollout_turns[-1]
    if job.protocol == ESCALATION:
        return config.warnings * (1 if job.arm == "attack" else 2), config.warning_turns
    return config.ramps, 2 * len(config.ramp_alphas) * job.hold
