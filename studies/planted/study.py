"""A study on planted truths: its parts, its command line, its page."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from studies.planted.ledger import Ledger, Settings
from studies.planted.page import sections


@dataclass(frozen=True, kw_only=True)
class Study:
    """Parts of a study, run and written row by row.

    Attributes
    ----------
    module : ModuleType
        The package; its docstring is the help.
    parts : dict of str to modules
        Each with TITLE, TEXT and rows().
    title : str
        Of the page.
    head : callable
        Settings to the lines below the command.
    simulated : str
        What is simulated, as the option that says how many.
    defaults : Settings
    results, page : Path
        Where rows and page are written.
    """

    module: ModuleType
    parts: dict[str, ModuleType]
    title: str
    head: Callable[[Settings], Sequence[str]]
    simulated: str
    defaults: Settings
    results: Path
    page: Path

    def main(self) -> None:
        """Make the rows that are not there yet, and the page after each."""
        options = self._arguments()
        settings = Settings(
            sweeps=getattr(options, self.simulated),
            refits=options.refits,
            seed=options.seed,
            workers=options.workers,
        )
        ledger = Ledger(folder=options.results, settings=settings)
        for name in list(self.parts) if options.parts == "all" else options.parts.split(","):
            for row, result, new in ledger.complete(name, self.parts[name].rows()):
                kept = "" if new else "(kept) "
                print(f"{name}: {kept}{row}: {result['cells']}", _open(result), flush=True)
                options.page.write_text(self.written(ledger), encoding="utf-8")

    def written(self, ledger: Ledger) -> str:
        """Return the page."""
        s = ledger.settings
        command = f"python -m {self.module.__name__} --{self.simulated} {s.sweeps} --refits {s.refits}"
        lines = [
            f"# {self.title}",
            "",
            f"`{command} --seed {s.seed}`",
            "",
            *self.head(s),
            "",
            *sections(ledger, self.parts),
        ]
        return "\n".join(lines).rstrip() + "\n"

    def _arguments(self) -> argparse.Namespace:
        parser = argparse.ArgumentParser(
            description=self.module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        parser.add_argument(f"--{self.simulated}", type=int, default=self.defaults.sweeps)
        parser.add_argument("--refits", type=int, default=self.defaults.refits)
        parser.add_argument("--seed", type=int, default=self.defaults.seed)
        parser.add_argument("--workers", type=int, default=self.defaults.workers)
        parser.add_argument("--parts", default="all", help=f"all, or some of {','.join(self.parts)}")
        parser.add_argument("--results", type=Path, default=self.results)
        parser.add_argument("--page", type=Path, default=self.page)
        return parser.parse_args()


def _open(result: dict) -> str:
    """What of a row does not hold."""
    kinds = {"claims": "short", "controls": "controls not caught"}
    found = {
        word: [f"{c['asked']}: {c['seen']}" for c in result[kind] if not c["holds"]]
        for kind, word in kinds.items()
    }
    return "; ".join(f"{word}: {', '.join(which)}" for word, which in found.items() if which)
