"""Sweeps over the conversational stubs: every h is known from the counts."""

from dataclasses import dataclass, replace

import numpy as np

from alignthermo.testsystems.conversational import (
    COMPLIANT_ANSWERS,
    DEFIANT_ANSWERS,
    ConstantResponse,
    EvidenceAccumulator,
    conversational_pair,
)

BETA = 0.5
PROMPTS = 10
SPREAD = tuple(float(x) for x in np.linspace(-0.6, 0.6, PROMPTS))
LAW = EvidenceAccumulator(field=1.0, per_instruction_token=0.02, per_adversarial_token=0.03)
WORDS, TURN = 8, 10
"""Words of a turn, which the law counts, and its tokens with both role markers, which the composer counts."""


def stub_pair(law=LAW, **options):
    return conversational_pair(law, beta=BETA, topic_fields=SPREAD, **options)


def constant_pair():
    return stub_pair(ConstantResponse(field=2.0))


def stub_prompts(n=PROMPTS):
    return [
        {
            "id": f"p{topic}",
            "messages": [{"role": "user", "content": f"ask{topic:02d}"}],
            "category": "rule",
            "compliant": list(COMPLIANT_ANSWERS),
            "defiant": list(DEFIANT_ANSWERS),
        }
        for topic in range(n)
    ]


SETTINGS = {
    "families": ["override"],
    "overrides": ["ignore forget drop break ignore forget drop break"],
    "reminders": ["keep rule always honour keep rule always honour"],
    "reminder_role": "user",
    "instruction": ["reminders"],
    "alphas": [0, 0.3, 0.5, 0.7, 1],
    "lengths": [200],
    "orders": ["random"],
    "resamples": 200,
}
LENGTHS = (100, 200)


def exact_h(rows):
    """h of every row from its counts, by the law itself."""
    share = WORDS / TURN
    field = np.array([SPREAD[int(prompt[1:])] for prompt in rows["prompt_id"]])
    evidence = (
        LAW.per_instruction_token * rows["n_instruction"] - LAW.per_adversarial_token * rows["n_adversarial"]
    )
    return LAW.field + field + share * evidence - np.where(rows["model"] == "base", 1.0 / BETA, 0.0)


@dataclass(frozen=True, kw_only=True)
class StepAt:
    """Kept below an α, broken above it: h falls from `height` to −`height` at once."""

    alpha: float
    height: float = 3.0
    shift: float = 0.0
    order_memory: int = 0
    own_memory: int = 0

    def log_odds(self, contexts):
        kept = contexts.alpha < self.alpha
        return np.where(kept, self.height, -self.height) + self.shift

    def tilted(self, shift):
        return replace(self, shift=self.shift + shift)
