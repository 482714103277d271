"""What a row of the study says, what it is asked, which control must fail; kept as soon as it is known."""

import json
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much is simulated."""

    sweeps: int
    refits: int
    seed: int
    workers: int = 1

    def key(self) -> dict[str, int]:
        return {"sweeps": self.sweeps, "refits": self.refits, "seed": self.seed}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One thing that is asked of a row: what, what was seen, and whether it holds."""

    asked: str
    seen: str
    holds: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a part: numbers to print, claims, and controls, which hold when they fail as they must."""

    cells: dict[str, str]
    claims: list[Claim] = field(default_factory=list)
    controls: list[Claim] = field(default_factory=list)


Job = Callable[[np.random.Generator], object]
RowMaker = Callable[[Settings], Row]


def repeated(job: Job, settings: Settings, *, row: str, sweeps: int | None = None) -> list:
    """Run a job once per sweep, each with its own stream; the streams depend on the name of the row."""
    n = settings.sweeps if sweeps is None else sweeps
    seeds = [[settings.seed, zlib.crc32(row.encode()), k] for k in range(n)]
    if settings.workers == 1:
        return [job(np.random.default_rng(seed)) for seed in seeds]
    with ProcessPoolExecutor(settings.workers) as pool:
        return list(pool.map(_Seeded(job), seeds, chunksize=4))


def stream(settings: Settings, row: str) -> np.random.Generator:
    """One stream for a whole row."""
    return np.random.default_rng([settings.seed, zlib.crc32(row.encode())])


@dataclass(frozen=True)
class _Seeded:
    job: Job

    def __call__(self, seed: list[int]) -> object:
        return self.job(np.random.default_rng(seed))


def coverage_row(
    label: str,
    truth: float | np.ndarray,
    found: list[tuple],
    *,
    bias: float,
    relative: bool = False,
    kind: str = "plain",
) -> Row:
    """Bias and coverage of (value, low, high, error); a truth 1.5 errors off must miss.

    `bias` is the largest mean bias that is allowed, in units of the truth if `relative`. Kinds: *exact*,
    where nothing is left to chance and the interval need not miss at all; *discrete*, whose interval may
    cover more than it says; *skewed*. Of these the control is a truth three errors off; of a quantity that is
    *bounded* by 0, whose errors shrink with it, one that is a usual width off.
    """
    value, low, high, error = np.array(found, dtype=float).T
    truth = np.broadcast_to(truth, value.shape)
    given = ~np.isnan(low)
    mean = float(np.mean((value - truth)[given])) if given.any() else np.nan
    mean = mean / float(np.mean(truth)) if relative else mean
    covered = share(((low <= truth) & (truth <= high))[given])
    loose = kind in ("exact", "discrete")
    steps = 1.5 if kind == "plain" else 3.0
    width = float(np.median((high - low)[given])) if given.any() else np.nan
    away = "a width" if kind == "bounded" else f"{steps:g} errors"
    moved = truth + (width if kind == "bounded" else steps * error)
    off = share(((low <= moved) & (moved <= high))[given])
    unit = " of the truth" if relative else ""
    return Row(
        cells={
            "row": label,
            "truth": f"{np.mean(truth):.4f}",
            "given": f"{given.sum()}/{given.size}",
            "bias": f"{100 * mean:+.1f} %" if relative else f"{mean:+.4f}",
            "coverage %": f"{100 * covered:.1f}",
            "median width": f"{width:.4f}" if given.any() else "",
            f"control: truth {away} off, coverage %": f"{100 * off:.0f}",
        },
        claims=[
            Claim(
                asked=f"{label}: mean bias at most {bias:g}{unit}",
                seen=f"{mean:+.4f}",
                holds=bool(abs(mean) <= bias),
            ),
            Claim(
                asked=f"{label}: coverage {'92 % or more' if loose else '92 to 98 %'}",
                seen=f"{100 * covered:.1f} %",
                holds=bool(0.92 <= covered <= (1.0 if loose else 0.98)),
            ),
        ],
        controls=[
            Claim(
                asked=f"{label}: a truth {away} off is not covered",
                seen=f"{100 * off:.0f} %",
                holds=bool(off < 0.9),
            )
        ],
    )


def share(hits: np.ndarray) -> float:
    return float(np.mean(hits)) if np.size(hits) else float("nan")


def at_least(asked: str, hits: list | np.ndarray, part: float) -> Claim:
    """At least this part of the sweeps must hit."""
    n, k = len(hits), int(np.sum(hits))
    return Claim(asked=asked, seen=f"{k} of {n}", holds=bool(k >= np.ceil(part * n - 1e-9)))


def at_most(asked: str, hits: list | np.ndarray, part: float) -> Claim:
    n, k = len(hits), int(np.sum(hits))
    return Claim(asked=asked, seen=f"{k} of {n}", holds=bool(k <= np.floor(part * n + 1e-9)))


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Rows that are done, one file per part; rows of other settings are not mixed in."""

    folder: Path
    settings: Settings

    def rows(self, part: str) -> dict[str, dict]:
        path = self.folder / f"{part}.json"
        if not path.exists():
            return {}
        kept = json.loads(path.read_text(encoding="utf-8"))
        return kept["rows"] if kept["settings"] == self.settings.key() else {}

    def complete(self, part: str, makers: dict[str, RowMaker]) -> Iterator[tuple[str, dict, bool]]:
        """Yield every row, made or kept, with whether it is new; each new one is written at once."""
        rows = self.rows(part)
        for name, maker in makers.items():
            new = name not in rows
            if new:
                with _timed() as seconds:
                    row = maker(self.settings)
                rows[name] = {**asdict(row), "cpu_seconds": round(seconds[0], 1)}
                self._write(part, rows)
            yield name, rows[name], new

    def _write(self, part: str, rows: dict[str, dict]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{part}.json"
        draft = path.with_suffix(".part")
        draft.write_text(
            json.dumps({"settings": self.settings.key(), "rows": rows}, indent=1, ensure_ascii=False) + "\n",
            encoding="utf-8",
        )
        draft.replace(path)


@contextmanager
def _timed() -> Iterator[list[float]]:
    seconds, start = [0.0], time.process_time()
    yield seconds
    seconds[0] = time.process_time() - start
