"""First-token refusal mass: the probability of opening a refusal that keeps the instruction."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from alignthermo.errors import PromptError
from alignthermo.estimators import with_caveat
from alignthermo.experiments.transition_curves import CurveMaker, mean_record
from alignthermo.judges import instruction_map
from alignthermo.observables.forest.log_probs import token_log_probs
from alignthermo.quantities import Prompt, Readout, Record

__all__ = ["Openings", "first_token_mass", "first_token_records", "refusing_openings"]


UNSAID = (
    "the prompt does not say whether a refusal keeps its instruction: give it `instruction`, or the run "
    "--kept-by (answers reads it off the reference answers)"
)
LOWER_BOUND = "a lower bound"


@dataclass(frozen=True, kw_only=True)
class Openings:
    """First tokens of the reference answers that keep an instruction by refusing.

    Attributes
    ----------
    tokens : tuple of int
        Distinct, those that open no defiant answer; empty where the quantity is not defined.
    note : str
        Why it is not, or what was left out; empty where nothing was.
    """

    tokens: tuple[int, ...]
    note: str = ""


def refusing_openings(
    prompt: Prompt, *, compliant: Sequence[tuple[int, ...]], defiant: Sequence[tuple[int, ...]]
) -> Openings:
    """Return the openings of a prompt's refusals, as far as it has any.

    A refusal keeps the instruction where the prompt's map says so (``instruction: refusal_keeps``, or an
    object with refused kept and fulfilled not); its compliant reference answers are then the refusals. A
    token that opens answers of either kind belongs to neither and is left out: the mass of the others is then
    a lower bound. Not defined where the prompt has no such map, or where no opening is the refusals' own.
    """
    try:
        meant = instruction_map(prompt)
    except PromptError:
        return Openings(tokens=(), note=UNSAID)
    if meant.refused != "kept" or meant.fulfilled == "kept":
        return Openings(tokens=(), note="refusing is not what keeps this instruction")
    kept, broken = ({answer[0] for answer in answers if answer} for answers in (compliant, defiant))
    shared = len(kept & broken)
    if not kept - broken:
        return Openings(tokens=(), note="compliant and defiant answers share every first token of a refusal")
    note = f"{LOWER_BOUND}: {shared} first token(s) open answers of either kind and are left out"
    return Openings(tokens=tuple(sorted(kept - broken)), note=note if shared else "")


def first_token_mass(readout: Readout, tokens: Sequence[int]) -> float:
    r"""Log-mass that the next token opens a refusal, in nat.

    .. math:: \ln m = \ln \sum_{y \in R} q(y \mid c), \qquad
              R = \{a_1 : a \text{ refuses and keeps}\} \setminus \{b_1 : b \text{ breaks}\}

    Parameters
    ----------
    readout : Readout
        One row: the distribution after the context.
    tokens : sequence of int
        R, at least one.

    Raises
    ------
    NonFiniteLogits
        NaN or +inf among the logits.

    References
    ----------
    Arditi et al., 2406.11717, for the refusal score on first tokens. Formula F-185 in docs/formulas.md.
    """
    rows = np.zeros(len(tokens), dtype=np.int64)
    found = token_log_probs(readout, rows=rows, tokens=np.asarray(tokens, dtype=np.int64))
    return min(float(logsumexp(found)), 0.0)


def first_token_records(maker: CurveMaker) -> Iterator[Record]:
    """Yield the mean first-token refusal mass at each wanted α, over the prompts that have one."""
    rows = maker.cut.of(model="aligned")
    if rows.rows["log_first_refusal"].null_count == rows.rows.num_rows:
        reasons = Counter(note for note in rows.rows["first_token_note"].to_pylist() if note)
        yield maker.unknown(
            "first_refusal_mass", max(reasons, key=lambda note: reasons[note], default="no rows")
        )
        return
    for control in maker.config.controls:
        of_control = rows.of(control=control)
        for alpha in sorted(set(of_control.rows["wanted_alpha"].to_pylist())):
            masses: dict[str, list[float]] = {}
            notes: dict[str, None] = {}
            here = of_control.of(wanted_alpha=alpha).rows
            columns = ("prompt_id", "log_first_refusal", "first_token_note")
            for prompt, log_mass, note in zip(*(here[name].to_pylist() for name in columns), strict=True):
                if log_mass is not None:
                    masses.setdefault(prompt, []).append(float(np.exp(log_mass)))
                    notes |= dict.fromkeys([note] if note else [])
            if masses:
                more = {"wanted_alpha": f"{alpha:.6g}", "control": control}
                means = np.array([np.mean(some) for some in masses.values()])
                yield _noted(mean_record(maker, "first_refusal_mass", means, **more), tuple(notes))


def _noted(record: Record, notes: Sequence[str]) -> Record:
    estimate = record.estimate
    for note in notes:
        estimate = with_caveat(estimate, note)
    return replace(record, estimate=estimate)
