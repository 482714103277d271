"""The page of a study, from the rows that are there."""

from types import ModuleType

from studies.planted.ledger import Ledger


def sections(ledger: Ledger, parts: dict[str, ModuleType]) -> list[str]:
    """What is missing, what falls short, and the tables of the rows that are there."""
    done = {name: ledger.rows(name) for name in parts}
    lines = [*_missing(done, parts), *_claims(done, "claims"), *_claims(done, "controls")]
    for name, part in parts.items():
        if done[name]:
            lines += [f"## {part.TITLE}", "", *part.TEXT.splitlines(), "", *_table(done[name]), ""]
    return lines


def _missing(done: dict[str, dict], parts: dict[str, ModuleType]) -> list[str]:
    missing = [
        f"{name} ({len(done[name])} of {len(part.rows())} rows)"
        for name, part in parts.items()
        if len(done[name]) < len(part.rows())
    ]
    return [f"**Not finished:** {', '.join(missing)}.", ""] if missing else []


def _claims(done: dict[str, dict], kind: str) -> list[str]:
    found = [claim for rows in done.values() for row in rows.values() for claim in row[kind]]
    short = [claim for claim in found if not claim["holds"]]
    if kind == "claims":
        lines = [f"## What falls short: {len(short)} of {len(found)} claims", ""]
    else:
        lines = [
            f"## Controls: {len(found) - len(short)} of {len(found)} planted wrong answers were caught",
            "",
        ]
    lines += [f"- {claim['asked']}: seen {claim['seen']}" for claim in short] or ["Nothing."]
    return [*lines, ""]


def _table(rows: dict[str, dict]) -> list[str]:
    columns: list[str] = []
    for row in rows.values():
        columns += [column for column in row["cells"] if column not in columns]
    lines = ["| " + " | ".join([*columns, "claims"]) + " |", "|" + "---|" * (len(columns) + 1)]
    for row in rows.values():
        cells = [row["cells"].get(column, "") for column in columns]
        lines.append("| " + " | ".join([*cells, _verdict(row)]) + " |")
    seconds = sum(row["cpu_seconds"] for row in rows.values())
    return [*lines, "", f"{seconds / 60.0:.1f} processor minutes."]


def _verdict(row: dict) -> str:
    if not row["claims"]:
        return "—"
    return "hold" if all(claim["holds"] for claim in row["claims"]) else "**fall short**"
