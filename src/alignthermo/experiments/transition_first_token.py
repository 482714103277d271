"""First-token refusal mass: the probability of opening a refusal that keeps the instruction."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from alignthermo.errors import PromptError
from alignthermo.experiments.transition_curves import CurveMaker, mean_record
from alignthermo.judges import instruction_map
from alignthermo.observables.forest.log_probs import token_log_probs
from alignthermo.quantities import Prompt, Readout, Record

__all__ = ["Openings", "first_token_mass", "first_token_records", "refusing_openings"]


@dataclass(frozen=True, kw_only=True)
class Openings:
    """First tokens of the reference answers that keep an instruction by refusing.

    Attributes
    ----------
    tokens : tuple of int
        Distinct; empty where the quantity is not defined.
    note : str
        Why it is not; empty where it is.
    """

    tokens: tuple[int, ...]
    note: str = ""


def refusing_openings(
    prompt: Prompt, *, compliant: Sequence[tuple[int, ...]], defiant: Sequence[tuple[int, ...]]
) -> Openings:
    """Return the openings of a prompt's refusals, as far as it has any.

    A refusal keeps the instruction where the prompt's map says so (``instruction: refusal_keeps``, or an
    object with refused kept and fulfilled not); its compliant reference answers are then the refusals. Not
    defined where the prompt has no such map, or where one token opens an answer of either kind: its mass
    belongs to neither.
    """
    try:
        meant = instruction_map(prompt)
    except PromptError:
        return Openings(tokens=(), note="the prompt does not say whether a refusal keeps its instruction")
    if meant.refused != "kept" or meant.fulfilled == "kept":
        return Openings(tokens=(), note="refusing is not what keeps this instruction")
    kept, broken = ({answer[0] for answer in answers if answer} for answers in (compliant, defiant))
    if kept & broken:
        return Openings(tokens=(), note="compliant and defiant answers share a first token")
    return Openings(tokens=tuple(sorted(kept)))


def first_token_mass(readout: Readout, tokens: Sequence[int]) -> float:
    r"""Log-mass that the next token opens a refusal, in nat.

    .. math:: \ln m = \ln \sum_{y \in R} q(y \mid c), \qquad R = \{a_1 : a \text{ refuses and keeps}\}

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
            here = of_control.of(wanted_alpha=alpha).rows
            for prompt, log_mass in zip(
                here["prompt_id"].to_pylist(), here["log_first_refusal"].to_pylist(), strict=True
            ):
                if log_mass is not None:
                    masses.setdefault(prompt, []).append(float(np.exp(log_mass)))
            if masses:
                more = {"wanted_alpha": f"{alpha:.6g}", "control": control}
                means = np.array([np.mean(some) for some in masses.values()])
                yield mean_record(maker, "first_refusal_mass", means, **more)
