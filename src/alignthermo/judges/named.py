"""Judges by name: what a setting, an option or a config file calls them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alignthermo.errors import ConfigError
from alignthermo.judges.calibration import Calibration, calibrate
from alignthermo.judges.classifier import load_classifier
from alignthermo.judges.exchange import Judge
from alignthermo.judges.generative_guard import load_guard
from alignthermo.judges.guard_formats import GUARD_FORMATS
from alignthermo.judges.heuristic import HeuristicJudge
from alignthermo.judges.labelled import read_labelled
from alignthermo.judges.replies import CheckedReplies, ReferenceReplies, ReplyJudge, RequestReplies

__all__ = ["NAMES", "JudgeName", "calibrate_by", "load_judge", "load_reply_judge", "parse_judge"]

NAMES = ("reference", "heuristic", "checked", "classifier:HUB_ID_OR_FOLDER", "guard:FORMAT:HUB_ID_OR_FOLDER")
"""What can be asked for."""

COVARIATE = "alpha"
"""Column of a label file along which the errors are tested for constancy."""

Kind = Literal["reference", "heuristic", "checked", "classifier", "guard"]


@dataclass(frozen=True, kw_only=True)
class JudgeName:
    """A judge's name in its parts; `model` is empty for judges without one."""

    kind: Kind
    model: str = ""
    guard_format: str | None = None


def parse_judge(text: str) -> JudgeName:
    """Take a judge's name apart, without loading anything.

    Parameters
    ----------
    text : str
        One of `NAMES`. ``guard:HUB_ID`` does where the id shows the format.

    Raises
    ------
    ConfigError
        There is no such judge, or its model or format is missing.

    Examples
    --------
    >>> parse_judge("guard:wildguard:allenai/wildguard").guard_format
    'wildguard'
    """
    kind, _, rest = text.strip().partition(":")
    if kind in ("reference", "heuristic", "checked") and not rest:
        return JudgeName(kind=kind)  # type: ignore[arg-type] # the tuple above spells the literal
    if kind == "classifier" and rest:
        return JudgeName(kind="classifier", model=rest)
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
        return load_classifier(name.model, device=device)
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
