"""Observables against tilted pairs, the two-level system and the random-energy model."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from alignthermo.observables import (
    ObservableSettings,
    TopK,
    observe_pair,
    observe_top_k,
    path_check_lambdas,
    path_kl_check,
    thermodynamics,
)
from alignthermo.quantities import (
    HeadReadout,
    LogitReadout,
    OutputHead,
    PairObservables,
    PathObservables,
    VocabularyMap,
)
from alignthermo.selftest.report import Finding, Relation
from alignthermo.testsystems import RandomEnergyModel, TiltedPair, TwoLevel

__all__ = ["OBSERVABLE_CHECKS"]

_ROUNDING = 1e-10  # float64 sums over a thousand tokens, with room
_BOUNDS: tuple[tuple[str, Relation], ...] = (("lower", "at_most"), ("upper", "at_least"))


def _divergences(rng: np.random.Generator) -> tuple[Finding, ...]:
    system = TiltedPair.random(1_000, beta=1.5, rng=rng)
    measured = _observe(system)
    aligned, base = system.spectrum_aligned, system.spectrum_base
    exact = {
        "kl_aligned_base": system.kl_aligned_base,
        "kl_base_aligned": system.kl_base_aligned,
        "jeffreys": system.jeffreys,
        "jensen_shannon": system.jensen_shannon,
        "entropy_aligned": aligned.entropy(1.0),
        "entropy_base": base.entropy(1.0),
        "heat_capacity_aligned": aligned.heat_capacity(1.0),
        "heat_capacity_base": base.heat_capacity(1.0),
        "work_variance": system.psi_second(1.0),
    }
    return tuple(
        Finding(name=name, expected=value, got=float(getattr(measured, name)[0]), tolerance=_ROUNDING)
        for name, value in exact.items()
    )


def _small_divergence(rng: np.random.Generator) -> tuple[Finding, ...]:
    """At KL near 1e-6 nat plain sums lose digits to cancellation; ours must not."""
    system = TiltedPair.random(1_000, beta=1.5e-3, rng=rng)
    got = float(_observe(system).kl_aligned_base[0])
    # the closed form itself rounds at 1e-15 of the terms it subtracts
    return (Finding(name="KL near 1e-6 nat", expected=system.kl_aligned_base, got=got, tolerance=1e-14),)


def _path(rng: np.random.Generator) -> tuple[Finding, ...]:
    system = TiltedPair.random(1_000, beta=1.5, rng=rng)
    measured = _observe(system, lambdas=(0.5, 1.5, *path_check_lambdas()))
    check, path = path_kl_check(measured), _path_of(measured)
    integrals = (
        ("∫ λ Var_λ dλ = KL(q‖p)", system.kl_aligned_base, check.kl_integral),
        ("∫ Var_λ dλ = Jeffreys", system.jeffreys, check.jeffreys_integral),
    )
    moments = (
        (f"{name} at λ = {lam}", exact(lam), values[:, index])
        for index, lam in enumerate((0.5, 1.5))
        for name, exact, values in (
            ("ψ", system.psi, path.psi),
            ("ψ′", system.psi_prime, path.psi_prime),
            ("ψ″", system.psi_second, path.psi_second),
            ("C_align", system.heat_capacity_align, path.heat_capacity),
        )
    )
    return tuple(
        Finding(name=name, expected=exact, got=float(got[0]), tolerance=_ROUNDING)
        for name, exact, got in (*integrals, *moments)
    )


def _top_k(rng: np.random.Generator) -> tuple[Finding, ...]:
    """Bounds from the twenty likeliest tokens of each side contain what the whole vocabulary gives."""
    system = TiltedPair.random(1_000, beta=1.0, logit_sd=4.0, rng=rng)
    bounds = observe_top_k(*(_likeliest(log_x, 20) for log_x in (system.log_q, system.log_p)))
    exact = {
        "kl_aligned_base": system.kl_aligned_base,
        "jensen_shannon": system.jensen_shannon,
        "entropy_aligned": system.spectrum_aligned.entropy(1.0),
        "heat_capacity_base": system.spectrum_base.heat_capacity(1.0),
    }
    return tuple(
        Finding(
            name=f"{end} bound on {name}",
            expected=value,
            got=float(getattr(getattr(bounds, name), end)[0]),
            relation=relation,
        )
        for name, value in exact.items()
        for end, relation in _BOUNDS
    )


def _likeliest(log_probs: Float[np.ndarray, " vocab"], k: int) -> TopK:
    ids = np.argsort(-log_probs)[:k]
    return TopK(ids=ids[None, :], log_probs=log_probs[None, ids], vocab_size=log_probs.size)


def _streaming(rng: np.random.Generator) -> tuple[Finding, ...]:
    """Hidden states and heads, streamed, against the logits that the same numbers make in float64."""
    n_tokens, n_hidden, vocab = 6, 32, 3_000
    hidden = torch.from_numpy(rng.standard_normal((n_tokens, n_hidden)))
    aligned = torch.from_numpy(rng.standard_normal((vocab, n_hidden)))
    base = aligned + 0.05 * torch.from_numpy(rng.standard_normal((vocab, n_hidden)))
    settings = ObservableSettings()
    findings = []
    for dtype, relative, absolute in ((torch.float64, 1e-10, 1e-12), (torch.float32, 1e-5, 1e-6)):
        heads = [_head_readout(hidden.to(dtype), weight.to(dtype)) for weight in (aligned, base)]
        streamed, exact = (
            observe_pair(
                *sides, vocabulary=VocabularyMap.identity(vocab), token_ids=[0] * n_tokens, settings=settings
            )
            for sides in (heads, [_own_logits(readout) for readout in heads])
        )
        for name in ("kl_aligned_base", "entropy_aligned", "heat_capacity_base"):
            expected = float(getattr(exact, name).mean())
            findings.append(
                Finding(
                    name=f"{name}, streamed in {str(dtype).removeprefix('torch.')}",
                    expected=expected,
                    got=float(getattr(streamed, name).mean()),
                    tolerance=relative * expected + absolute,
                )
            )
    return tuple(findings)


def _two_level(rng: np.random.Generator) -> tuple[Finding, ...]:
    """Find the peak of C in the same place and of the same height per unit at every size: no transition."""
    system = TwoLevel(gap=float(rng.uniform(0.5, 2.0)))
    peak = system.peak_temperature
    findings = []
    for n_units in (1, 4, 10):
        logits = torch.from_numpy(system.logits(n_units)).unsqueeze(0)
        measured = thermodynamics(logits, (0.98 * peak, peak, 1.02 * peak))
        below, at_peak, above = measured.heat_capacity[0] / n_units
        findings.append(
            Finding(
                name=f"C per unit at its peak, {n_units} units",
                expected=system.peak_heat_capacity,
                got=float(at_peak),
                tolerance=_ROUNDING,
            )
        )
        findings.append(
            Finding(
                name=f"C beside the peak, {n_units} units",
                expected=float(at_peak),
                got=float(max(below, above)),
                relation="at_most",
            )
        )
    return tuple(findings)


def _random_energies(rng: np.random.Generator) -> tuple[Finding, ...]:
    """Entropy of one realisation: equal to the enumeration, near the closed form, frozen when cold."""
    model = RandomEnergyModel(n_spins=16)
    spectrum = model.spectrum(rng=rng)
    betas = (0.4, 1.0, 4.0)
    measured = thermodynamics(
        torch.from_numpy(-spectrum.energies).unsqueeze(0), tuple(1.0 / beta for beta in betas)
    )
    entropy, heat_capacity = measured.entropy[0], measured.heat_capacity[0]
    equal = (
        Finding(
            name=f"{name} at β = {beta:g}",
            expected=float(getattr(spectrum, name)(1.0 / beta)),
            got=float(values[index]),
            tolerance=1e-9,
        )
        for index, beta in enumerate(betas)
        for name, values in (("entropy", entropy), ("heat_capacity", heat_capacity))
    )
    warm = Finding(
        name="entropy per spin when warm, β = 0.4",
        expected=model.entropy_density(0.4),
        got=float(entropy[0]) / model.n_spins,
        tolerance=0.01,
    )
    frozen = Finding(
        name="entropy per spin when frozen, β = 4",
        expected=0.3,
        got=float(entropy[2]) / model.n_spins,
        relation="at_most",
    )
    return (*equal, warm, frozen)


def _observe(system: TiltedPair, *, lambdas: tuple[float, ...] = ()) -> PairObservables:
    """Observe a tilted pair through its logits, moved by constants that must not matter."""
    return observe_pair(
        _logits(system.aligned_logits + 7.0),
        _logits(system.base_logits - 3.0),
        vocabulary=VocabularyMap.identity(system.log_p.size),
        token_ids=[0],
        settings=ObservableSettings(lambdas=lambdas),
    )


def _head_readout(
    hidden: Float[Tensor, "token hidden"], weight: Float[Tensor, "vocab hidden"]
) -> HeadReadout:
    return HeadReadout(hidden=hidden, head=OutputHead(weight=weight, multiplier=hidden.shape[1] ** -0.5))


def _own_logits(readout: HeadReadout) -> LogitReadout:
    product = readout.hidden.double() @ readout.head.weight.double().T
    return LogitReadout(logits=product * readout.head.multiplier)


def _logits(values: Float[np.ndarray, " vocab"]) -> LogitReadout:
    return LogitReadout(logits=torch.from_numpy(values).unsqueeze(0))


def _path_of(measured: PairObservables) -> PathObservables:
    if measured.path is None:
        raise RuntimeError("observe_pair returned no path although a λ grid was asked for")
    return measured.path


OBSERVABLE_CHECKS = {
    "divergences of a tilted pair": _divergences,
    "a tiny divergence": _small_divergence,
    "the λ path of a tilted pair": _path,
    "bounds from top-k access": _top_k,
    "streamed against logits": _streaming,
    "two-level system": _two_level,
    "random-energy model": _random_energies,
}
