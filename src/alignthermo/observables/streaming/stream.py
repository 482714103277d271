"""Observables streamed from hidden states and output heads over tiles of the vocabulary."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from alignthermo.observables.logits import check_pair_shapes
from alignthermo.observables.settings import ObservableSettings
from alignthermo.observables.streaming.arithmetic import choose_arithmetic
from alignthermo.observables.streaming.finish import Normalised, divergences
from alignthermo.observables.streaming.grid_layout import GridLayout
from alignthermo.observables.streaming.heads import HeadColumns
from alignthermo.observables.streaming.native import choose_kernel
from alignthermo.observables.streaming.outside import lost_mass
from alignthermo.observables.streaming.sweeps import sweep_until_settled
from alignthermo.quantities import HeadReadout, PairObservables, Thermodynamics, VocabularyMap

__all__ = ["stream_one", "stream_pair"]


@torch.no_grad()
def stream_pair(
    aligned: HeadReadout,
    base: HeadReadout,
    *,
    vocabulary: VocabularyMap,
    token_ids: Sequence[int],
    settings: ObservableSettings,
) -> PairObservables:
    """Every exact observable of a pair without holding logits of all tokens over the vocabulary.

    Each tile of logits is formed with float32 accumulation or better and folded at once into float64
    sums per token, about rough normalisers read beforehand from a pilot of the vocabulary. Entries that
    carry more than a thousandth of q or p, or decide an order, are recomputed in float64, so that the
    observables keep 1e-5 relative + 1e-6 nat even at logits of several hundred. Rows whose pilot was
    too far off are swept again about their own normalisers. With ``settings.precision="float64"``
    every product and term is taken in float64 (1e-10 relative + 1e-12 nat).

    Parameters
    ----------
    aligned, base : HeadReadout
        Hidden states of the same positions, shape (token, hidden); the two may differ in hidden size.
    vocabulary : VocabularyMap
        Which head row of one side is which of the other; rows outside are lost mass.
    token_ids : sequence of int
        The token that was there at each position, in the aligned model's ids.
    settings : ObservableSettings
        Grids, arithmetic, tiles.

    Returns
    -------
    PairObservables
        Shapes (token,), float64 on the CPU; nat.

    Raises
    ------
    NonFiniteLogits
        NaN or +inf logits, or a position where a model gives no common token any probability.
    ConfigError
        ``compile="always"`` where no compiler is found.
    IncompatiblePair
        The vocabulary map was made for other widths.
    InputError
        Different numbers of positions and tokens, or a token id outside the vocabulary.
    """
    check_pair_shapes(aligned, base, vocabulary=vocabulary, token_ids=token_ids)
    sides = _sides(aligned, base, vocabulary, settings)
    observed = torch.as_tensor(vocabulary.common_index(token_ids), device=aligned.hidden.device)
    layout = GridLayout.of(settings)
    swept = sweep_until_settled(*sides, observed=observed, settings=settings, points=layout.points)
    n = Normalised(swept.tally, swept.references)
    columns = divergences(swept.tally, swept.references)
    columns["log_prob_aligned"] = _log_prob(sides[0], observed, n.lse_a)
    columns["log_prob_base"] = _log_prob(sides[1], observed, n.lse_b)
    columns["rank_in_base"] = swept.rank
    columns["top1_agrees"] = swept.tally.top_a.column == swept.tally.top_b.column
    columns["lost_mass_aligned"] = lost_mass(sides[0], vocabulary.aligned_rows, n.lse_a, settings)
    columns["lost_mass_base"] = lost_mass(sides[1], vocabulary.base_rows, n.lse_b, settings)
    arrays: dict[str, Any] = {name: values.cpu().numpy() for name, values in columns.items()}
    warm = bool(settings.temperatures)
    return PairObservables(
        **arrays,
        path=layout.path(swept.grids, n),
        thermodynamics_aligned=layout.thermodynamics_aligned(swept.grids, n) if warm else None,
        thermodynamics_base=layout.thermodynamics_base(swept.grids, n) if warm else None,
    )


@torch.no_grad()
def stream_one(readout: HeadReadout, *, settings: ObservableSettings) -> Thermodynamics:
    """Log Z, F, U, S, C of one model over `settings.temperatures`, over its whole vocabulary.

    Returns
    -------
    Thermodynamics
        Shape (token, temperature), float64; nat, in the gauge E = −ln p at T = 1.

    Raises
    ------
    NonFiniteLogits, ConfigError
        As `stream_pair`.
    """
    vocabulary = VocabularyMap.identity(readout.vocab_size)
    settings = dataclasses.replace(settings, lambdas=())
    sides = _sides(readout, readout, vocabulary, settings)
    layout = GridLayout(temperatures=settings.temperatures, lambdas=(), of_base=False)
    observed = torch.zeros(readout.n_tokens, dtype=torch.int64, device=readout.hidden.device)
    swept = sweep_until_settled(*sides, observed=observed, settings=settings, points=layout.points)
    return layout.thermodynamics_aligned(swept.grids, Normalised(swept.tally, swept.references))


def _sides(
    aligned: HeadReadout, base: HeadReadout, vocabulary: VocabularyMap, settings: ObservableSettings
) -> tuple[HeadColumns, HeadColumns]:
    """Both sides over the common vocabulary; one object where they are one readout."""
    arithmetic = choose_arithmetic(settings, aligned, base)
    device = aligned.hidden.device
    kernel = choose_kernel(settings, aligned, base)
    q, p = (
        HeadColumns(
            readout=r,
            rows=_rows(rows, device),
            n_columns=vocabulary.size,
            arithmetic=arithmetic,
            kernel=kernel,
        )
        for r, rows in ((aligned, vocabulary.aligned_rows), (base, vocabulary.base_rows))
    )
    same_rows = bool(np.array_equal(vocabulary.aligned_rows, vocabulary.base_rows))
    return (q, q) if aligned is base and same_rows else (q, p)


def _rows(rows: Int[np.ndarray, " common"], device: torch.device) -> Int[Tensor, " common"] | None:
    """Row indices, or None where column j is row j and tiles can be sliced instead of gathered."""
    if bool(np.array_equal(rows, np.arange(rows.size))):
        return None
    return torch.as_tensor(rows, device=device)


def _log_prob(
    side: HeadColumns, observed: Int[Tensor, " token"], log_normaliser: Float[Tensor, " token"]
) -> Float[Tensor, " token"]:
    """Of the token that was there, from a float64 logit; −inf outside the common vocabulary."""
    known = observed >= 0
    tokens = torch.arange(observed.numel(), device=observed.device)
    logit = side.exact(tokens, observed.clamp_min(0))
    return torch.where(known, logit - log_normaliser, -math.inf)
