"""Which weights a judge has: a digest and a revision for the record of a run, without loading them."""

from dataclasses import dataclass

from alignthermo.judges.named import parse_judge
from alignthermo.models.identity import pair_digests
from alignthermo.models.sources import resolve

__all__ = ["JudgeIdentity", "judge_identity"]


@dataclass(frozen=True, kw_only=True)
class JudgeIdentity:
    """The model of a judge.

    Attributes
    ----------
    digest : str
        SHA-256 over weights, configuration and tokenizer.
    revision : str
        Commit of a hub model, ``local`` for a folder.
    """

    digest: str
    revision: str


def judge_identity(judge: str) -> JudgeIdentity | None:
    """Identify the model of a judge by its name; None for judges without one.

    Raises
    ------
    ConfigError
        There is no such judge.
    ModelError, WeightsError
        Its model is not found, or a file is missing, pickled or differs from the digest on record.
    """
    model = parse_judge(judge).model
    if not model:
        return None
    return JudgeIdentity(digest=pair_digests(model, None)["base"], revision=resolve(model).revision)
