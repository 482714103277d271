"""Judges by name: what a setting, an option or a config file calls them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alignthermo.errors import ConfigError
from alignthermo.judges.calibration import Calibration, calibrate
from alignthermo.judges.classifier import load_classifier
from alignthermo.judges.exchange import OUTCOMES, Judge
from alignthermo.judges.generative_guard import load_guard
from alignthermo.judges.guard_formats import GUARD_FORMATS
from alignthermo.judges.heuristic import HeuristicJudge
from alignthermo.judges.labelled import read_labelled
from alignthermo.judges.replies import CheckedReplies, ReferenceReplies, ReplyJudge, RequestReplies

__all__ = ["NAMES", "JudgeName", "calibrate_by", "load_judge", "load_reply_judge", "parse_judge"]

NAMES = (
    "reference",
    "heuristic",
    "checked",
    "classifier:HUB_ID_OR_FOLDER",
    "classifier:LABEL=OUTCOME,…:HUB_ID_OR_FOLDER",
    "guard:FORMAT:HUB_ID_OR_FOLDER",
)
"""What can be asked for. A classifier whose labels name no outcomes is given a map; ``reads=reply`` among it
says that it reads the reply without the request."""

READS = "reads"

COVARIATE = "alpha"
"""Column of a label file along which the errors are tested for constancy."""

Kind = Literal["reference", "heuristic", "checked", "classifier", "guard"]


@dataclass(frozen=True, kw_only=True)
class JudgeName:
    """A judge's name in its parts.

    Attributes
    ----------
    kind : str
    model : str
        Empty for judges without one.
    guard_format : str or None
    labels : tuple of (str, str)
        A classifier's labels with their outcomes, where the name gives a map.
    pairs : bool
        Whether a classifier reads the request too.
    """

    kind: Kind
    model: str = ""
    guard_format: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    pairs: bool = True


def parse_judge(text: str) -> JudgeName:
    """Take a judge's name apart, without loading anything.

    Parameters
    ----------
    text : str
        One of `NAMES`. ``guard:HUB_ID`` does where the id shows the format.

    Raises
    ------
    ConfigError
        There is no such judge, its model or format is missing, or its label map cannot be read.

    Examples
    --------
    >>> parse_judge("guard:wildguard:allenai/wildguard").guard_format
    'wildguard'
    >>> parse_judge("classifier:NORMAL=fulfilled,REJECTION=refused,reads=reply:org/model").labels
    (('NORMAL', 'fulfilled'), ('REJECTION', 'refused'))
    """
    kind, _, rest = text.strip().partition(":")
    if kind in ("reference", "heuristic", "checked") and not rest:
        return JudgeName(kind=kind)  # type: ignore[arg-type] # the tuple above spells the literal
    if kind == "classifier" and rest:
        return _classifier(rest, text)
    if kind == "guard" and rest:
        first, colon, model = rest.partition(":")
        if not colon:
            return JudgeName(kind="guard", model=first)
        if first in GUARD_FORMATS and model:
            return JudgeName(kind="guard", model=model, guard_format=first)
        raise ConfigError(
            f"judge {text!r}: {first!r} is no guard format; there are {', '.join(GUARD_FORMATS)}, "
            "as in guard:wildguard:allenai/wildguard"
        )
    raise ConfigError(f"there is no judge {text!r}; choose {', '.join(NAMES)}")


def _classifier(rest: str, text: str) -> JudgeName:
    first, colon, model = rest.partition(":")
    if not colon or "=" not in first:
        return JudgeName(kind="classifier", model=rest)
    settings = [tuple(map(str.strip, one.rpartition("=")[::2])) for one in first.split(",")]
    reads = [value for name, value in settings if name == READS]
    labels = tuple((name, value) for name, value in settings if name != READS)
    known = all(name and value in (*OUTCOMES, "abstain") for name, value in labels)
    if not known or not model or set(reads) - {"pair", "reply"}:
        raise ConfigError(
            f"judge {text!r}: give LABEL=OUTCOME for every label of the classifier, outcomes being "
            f"{', '.join(OUTCOMES)} or abstain, {READS}=reply where it reads the reply alone, and the model, "
            "as in classifier:NORMAL=fulfilled,REJECTION=refused,reads=reply:org/model"
        )
    return JudgeName(kind="classifier", model=model, labels=labels, pairs="reply" not in reads)


def load_judge(text: str, *, device: str = "auto") -> Judge:
    """Load a judge of the request, which can be held against labelled completions.

    Raises
    ------
    ConfigError
        As `parse_judge`; or the judge looks at the instruction, and labels are about the request.
    ModelError, WeightsError
        See `load_classifier` and `load_guard`.
    """
    name = parse_judge(text)
    if name.kind == "classifier":
        labels = dict(name.labels) or None
        return load_classifier(name.model, labels=labels, pairs=name.pairs, device=device)
    if name.kind == "guard":
        return load_guard(name.model, guard_format=name.guard_format, device=device)
    if name.kind == "heuristic":
        return HeuristicJudge()
    raise ConfigError(
        f"the judge {name.kind!r} compares with what the prompt itself says and needs no calibration: labels "
        "say what happened to the request; calibrate heuristic, classifier:… or guard:…"
    )


def load_reply_judge(text: str, *, device: str = "auto") -> ReplyJudge:
    """Load the judge of a run's replies.

    Raises
    ------
    ConfigError, ModelError, WeightsError
        As `load_judge`.
    """
    kind = parse_judge(text).kind
    if kind == "reference":
        return ReferenceReplies()
    if kind == "checked":
        return CheckedReplies()
    return RequestReplies(of=load_judge(text, device=device))


def calibrate_by(
    path: Path, *, judge: Judge, covariate: str | None = None, level: float = 0.95, seed: int = 0
) -> Calibration:
    """Hold a judge against a label file, along α where the file has it in every row.

    Parameters
    ----------
    path : Path
        See `read_labelled`.
    judge : Judge
    covariate : str, optional
        Another numeric column than ``alpha``; it must then be there.
    level : float
    seed : int

    Raises
    ------
    InputError
        See `read_labelled` and `calibrate`.
    """
    labelled = read_labelled(path)
    has_alpha = all(COVARIATE in item.covariates for item in labelled.items)
    along = covariate or (COVARIATE if has_alpha else None)
    return calibrate(judge, labelled, covariate=along, level=level, seed=seed)
