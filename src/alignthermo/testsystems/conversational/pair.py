"""Base and aligned member of a law, an exact Gibbs tilt apart."""

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from alignthermo.errors import ConfigError
from alignthermo.quantities import Pair, VocabularyMap
from alignthermo.testsystems.conversational.law import ContextLaw
from alignthermo.testsystems.conversational.model import ConversationalModel
from alignthermo.testsystems.conversational.words import TOKENS

__all__ = ["answer_kl", "conversational_pair"]


def conversational_pair(
    law: ContextLaw,
    *,
    beta: float,
    candidate_mass: float = 1.0,
    topic_fields: tuple[float, ...] = (),
    max_length: int = 16_384,
) -> Pair:
    """Build the pair whose aligned member follows `law` and whose base follows it 1/β nat lower.

    So aligned ∝ base · e^(r/β) over canonical responses, r = 1 for compliant and 0 for defiant ones, which is
    the KL-regularised optimum with the mass of other responses left as it is. `answer_kl` is its exact cost.

    Parameters
    ----------
    law : ContextLaw
        Of the aligned member.
    beta : float
        β > 0.
    candidate_mass, topic_fields, max_length
        Of both members, see `ConversationalModel`.

    Returns
    -------
    Pair
        ``same_ids``; use `dataclasses.replace` for another template policy.

    Raises
    ------
    ConfigError
        β is not positive.
    """
    if not beta > 0.0:
        raise ConfigError(f"conversational_pair: beta must be positive, got {beta}")
    base, aligned = (
        ConversationalModel(
            law=member, candidate_mass=candidate_mass, topic_fields=topic_fields, max_length=max_length
        )
        for member in (law.tilted(-1.0 / beta), law)
    )
    vocabulary = VocabularyMap.identity(len(TOKENS))
    provenance = {"kind": f"analytic {type(law).__name__}", "beta": f"{beta:g}", "dtype": "float64"}
    return Pair(base=base, aligned=aligned, vocabulary=vocabulary, provenance=provenance)


def answer_kl(
    log_odds: Float[np.ndarray, " context"], *, beta: float, candidate_mass: float = 1.0
) -> Float[np.ndarray, " context"]:
    r"""Exact KL(q‖p) of a whole answer of a `conversational_pair`, the Gibbs cost, nat.

    .. math:: \mathrm{KL} = c\left[\frac{q_A}{\beta} - \ln\!\left(1 - p_A + p_A e^{1/\beta}\right)\right],
              \qquad q_A = \sigma(h), \quad p_A = \sigma(h - 1/\beta)

    All of it stands on the first token of the answer.

    Parameters
    ----------
    log_odds : array, shape (context,)
        h of the aligned member, nat.
    beta : float
    candidate_mass : float
        c.

    References
    ----------
    Korbak, Perez & Buckley, arXiv:2205.11275. Formula F-105 in docs/formulas.md.

    Examples
    --------
    >>> answer_kl(np.array([0.0, 20.0]), beta=0.5).round(6).tolist()
    [0.433781, 0.0]
    """
    compliant_base = expit(log_odds - 1.0 / beta)
    log_z = np.log1p(compliant_base * np.expm1(1.0 / beta))
    return np.asarray(candidate_mass * (expit(log_odds) / beta - log_z))
