"""The slow way: every distribution from scratch, by one native forward over context and answer."""

import numpy as np
import torch

from alignthermo.observables.drift import BaseSide, ProbeCase
from alignthermo.quantities import VocabularyMap
from tests.observables.forest.tiny import hugging_face, native, words

INSTRUCTION, HISTORY, PROBE, WISH = 9, 64, 5, 7
EVERY = 16


def log_rows(model, context, answer):
    """Return ln q before every token of an answer, float64 from the logits on."""
    with torch.inference_mode():
        z = model(torch.tensor([[*context, *answer]])).logits[0]
    return z.double().log_softmax(-1)[len(context) - 1 : len(context) + len(answer) - 1].numpy()


def kl(log_q, log_p):
    """Return the KL of each row by its definition."""
    return (np.exp(log_q) * (log_q - log_p)).sum(-1)


def entropy(log_q):
    return -(np.exp(log_q) * log_q).sum(-1)


def units(ours, expected):
    """Largest deviation in units of 1e-5 relative + 1e-7 absolute."""
    ours, expected = np.asarray(ours), np.asarray(expected)
    assert ours.shape == expected.shape
    return float((np.abs(ours - expected) / (1e-5 * np.abs(expected) + 1e-7)).max())


class Material:
    """A random conversation as token ids."""

    def __init__(self, seed=0, high=300):
        run = words(seed, high)
        self.instruction, self.neutral = run(INSTRUCTION), run(INSTRUCTION)
        self.history, self.other = run(HISTORY), run(HISTORY)
        self.probe, self.wish = run(PROBE), run(WISH)
        self.compliant, self.defiant = (run(3), run(2)), (run(3),)
        self.given = (run(4), run(6))

    def case(self, t, **changes):
        h, n = self.history[:t], self.other[:t]
        settings = {
            "key": f"t={t}",
            "here": self.instruction + h + self.probe,
            "start": self.instruction + self.probe,
            "neutral_instruction": self.neutral + h + self.probe,
            "neutral_history": self.instruction + n + self.probe,
            "wish": self.wish + self.probe,
            "compliant": self.compliant,
            "defiant": self.defiant,
        }
        return ProbeCase(**{**settings, **changes})

    def cases(self, **changes):
        return [self.case(t, **changes) for t in range(0, HISTORY + 1, EVERY)]


def base_side(name, seed=1):
    model = hugging_face(name, seed)
    same = np.arange(model.vocab_size)
    vocabulary = VocabularyMap(
        aligned_rows=same,
        base_rows=same,
        aligned_vocab_size=len(same),
        base_vocab_size=len(same),
        policy="identical",
    )
    return BaseSide(model=model, vocabulary=vocabulary)


def expected_distances(name, case, found):
    """Every distance of a case, answer by answer, as `ProbeDrift` names them."""
    return expected_between(native(name, 0), native(name, 1), case, found)


def expected_between(q, p, case, found):
    """Every distance between a native model and its native base."""

    def between(first, second, answers, other=q):
        return [kl(log_rows(q, first, y), log_rows(other, second, y)) for y in answers]

    return {
        "drift": between(case.here, case.start, found.answers),
        "influence": between(case.here, case.neutral_instruction, found.answers),
        "relaxation": between(case.here, case.here, found.answers, other=p),
        "control": between(case.neutral_history, case.start, found.control_answers),
    } | ({} if case.wish is None else {"to_wish": between(case.here, case.wish, found.answers)})
