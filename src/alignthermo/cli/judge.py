"""``alignthermo judge``: hold a judge against labels, and judge stored replies again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alignthermo.cli import options as o
from alignthermo.cli.exits import SOME_ROWS_FAILED
from alignthermo.cli.plain_text import format_table, printable
from alignthermo.cli.results import print_json, summary_of
from alignthermo.cli.transition import print_certificate

if TYPE_CHECKING:
    from alignthermo.judges import Calibration
    from alignthermo.quantities import Estimate

__all__ = ["calibrate", "run"]

_PROBLEMS_SHOWN = 10

Judge = Annotated[
    str,
    typer.Option(
        metavar="JUDGE", help="heuristic, classifier:HUB_ID_OR_FOLDER or guard:FORMAT:HUB_ID_OR_FOLDER."
    ),
]
AnyJudge = Annotated[
    str,
    typer.Option(
        metavar="JUDGE",
        help="reference, heuristic, checked, classifier:HUB_ID_OR_FOLDER or guard:FORMAT:HUB_ID_OR_FOLDER.",
    ),
]
Covariate = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Numeric column along which the errors are tested for constancy [default: alpha, if there].",
    ),
]


def calibrate(
    file: Annotated[Path, typer.Argument(help="Labelled completions: JSONL, CSV or Parquet.")],
    *,
    judge: Judge = "heuristic",
    covariate: Covariate = None,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Of bootstrap and permutations.")] = 0,
    device: o.Device = None,
    json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Hold a judge against labels: confusion matrix, abstention and balanced accuracy, with intervals."""
    from alignthermo import api

    found = api.calibrate_judge(
        file, judge=judge, covariate=covariate, level=level, seed=seed, device=device or "auto"
    )
    if json:
        print_json(_spelled(found))
    else:
        _print(found)
    if found.problems:
        raise typer.Exit(SOME_ROWS_FAILED)


def run(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="Folder of a finished transition with replies.")
    ],
    *,
    judge: AnyJudge,
    judge_labels: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Labelled completions, by which the rates are corrected."),
    ] = None,
    kept_by: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="What keeps the instruction of prompts that do not say: refusal, help, answers.",
        ),
    ] = None,
    prompts: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where the run's prompt file is now [default: where it was]."),
    ] = None,
    device: o.Device = None,
    json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Judge the stored replies of a run by another judge and rewrite its summary; no model is measured."""
    from alignthermo import api

    result = api.judge_again(
        folder,
        judge=judge,
        judge_labels=judge_labels,
        kept_by=kept_by,
        prompts=prompts,
        device=device or "auto",
    )
    if json:
        print_json(summary_of(result.records, result.verdicts))
        return
    print_certificate(
        result.records, result.verdicts, paths=[folder / api.JUDGED_AGAIN, folder / "summary.json"]
    )


def _print(found: "Calibration") -> None:
    for table in found.tables():
        typer.echo(printable(table.title))
        typer.echo(format_table(table.columns, table.rows) + "\n")
    for note in found.notes:
        typer.echo(printable(note))
    shown = found.problems[:_PROBLEMS_SHOWN]
    more = len(found.problems) - len(shown)
    for problem in (*shown, *((f"… and {more} more",) if more > 0 else ())):
        typer.echo(printable(problem), err=True)


def _spelled(found: "Calibration") -> dict[str, object]:
    """Return the calibration as plain values; unknown numbers are None."""
    from alignthermo.judges import OUTCOMES

    confusion = found.confusion
    columns = (*OUTCOMES, "abstain")
    return {
        "judge": found.judge,
        "source": found.source,
        "n": int(confusion.counts.sum()),
        "clustered": confusion.clustered,
        "confusion": [
            {
                "label": label,
                "n": int(confusion.counts[t].sum()),
                "judged": {
                    name: {"count": int(confusion.counts[t, j]), **_numbers(confusion.rates[t][j])}
                    for j, name in enumerate(columns)
                },
            }
            for t, label in enumerate(OUTCOMES)
        ],
        "abstention": _numbers(confusion.abstention),
        "balanced_accuracy": _numbers(confusion.balanced_accuracy),
        "balanced_accuracy_decided": _numbers(confusion.balanced_accuracy_decided),
        "balanced_accuracy_all": _numbers(confusion.balanced_accuracy_all),
        "constancy": [
            {
                "label": one.label,
                "covariate": one.covariate,
                "errors": one.n_errors,
                "n": one.n,
                "slope": _numbers(one.slope),
                "verdict": one.verdict.outcome,
                "statement": one.verdict.statement,
            }
            for one in found.constancy
        ],
        "disagreements": [
            {"id": id_, "label": label, "judged": said.outcome, "evidence": list(said.evidence)}
            for id_, label, said in found.disagreements
        ],
        "notes": list(found.notes),
        "problems": list(found.problems),
    }


def _numbers(estimate: "Estimate") -> dict[str, object]:
    from math import isfinite

    known = {name: getattr(estimate, name) for name in ("value", "low", "high")}
    return {
        **{name: value if isfinite(value) else None for name, value in known.items()},
        "level": estimate.level,
        "reason": estimate.reason,
    }
