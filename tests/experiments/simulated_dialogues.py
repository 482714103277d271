"""Rows of dialogues drawn from a law by its own simulator: what the stage would store, without a model."""

import numpy as np
import pyarrow as pa
from scipy.special import expit

from alignthermo.experiments.own_turns import Recording
from alignthermo.experiments.transition_dialogue_rows import dialogue_table
from alignthermo.testsystems.conversational import Contexts, EditRamp, arranged, simulate_ramps

N_TURNS, TURN_TOKENS = 48, 8
SLICE = {"category": "all", "family": "override", "order": "random", "size": 200.0}


def recording(kept, h, replies=None):
    blank = np.full(kept.shape, np.nan)
    said = replies or tuple(tuple("kept" if one else "broken" for one in row) for row in kept)
    return Recording(
        kept=kept.astype(float),
        log_odds=h,
        candidate_mass=np.ones(kept.shape),
        entropy=blank,
        surprisal=blank,
        tokens=np.ones(kept.shape, dtype=np.int64),
        replies=said,
        forwarded=0,
        naive=0,
    )


def rollouts(law, *, turns, replicates, rng, alpha=0.5):
    """Own turns in one context at an even mixture of material."""
    material = arranged(N_TURNS, n_adv=round(alpha * N_TURNS), order="interleaved")[None]
    context = Contexts.of(material, turn_tokens=TURN_TOKENS)
    own = np.zeros((replicates, 0), dtype=np.int64)
    h = np.empty((replicates, turns))
    for turn in range(turns):
        h[:, turn] = law.log_odds(context.with_own(own)) * np.ones(replicates)
        kept = rng.random(replicates) < expit(h[:, turn])
        own = np.concatenate([own, np.where(kept, 1, -1)[:, None]], axis=1)
    return _table(
        recording(own > 0, h),
        {"protocol": "rollout", "arm": "own", "hold": 0, "wanted_alpha": alpha},
        alpha=np.full(h.shape, alpha),
    )


NINE = tuple(step / 8 for step in range(9))


def ramps(law, *, hold, replicates, rng, alphas=NINE, arm="own"):
    """An edit ramp; the neutral arm hears nothing of itself, so both ways see the material alone."""
    protocol = EditRamp(
        alphas=alphas, hold=hold, n_turns=N_TURNS, turn_tokens=TURN_TOKENS, keeps_replies=arm == "own"
    )
    draws = simulate_ramps(law, protocol, replicates=replicates, rng=rng)
    kept, h = (_in_time(values) for values in (draws.kept, draws.log_odds))
    ratio = np.repeat(np.array([*range(len(alphas)), *reversed(range(len(alphas)))]), hold)
    ratio = np.tile(ratio, (replicates, 1))
    said = None
    name = "edit_keep_own"
    if arm == "none":
        # equal random numbers on both ways
        name, half = "edit_without_own", kept.shape[1] // 2
        kept[:, half:] = kept[:, :half].reshape(replicates, -1, hold)[:, ::-1].reshape(replicates, -1)
    return _table(
        recording(kept, h, said),
        {"protocol": name, "arm": arm, "hold": hold, "wanted_alpha": float("nan")},
        alpha=np.round(np.array(alphas) * N_TURNS)[ratio] / N_TURNS,
        ratio=ratio,
        way=np.tile(np.arange(ratio.shape[1]) >= ratio.shape[1] // 2, (replicates, 1)).astype(int),
    )


def whole(law, *, seed=0, holds=(1, 8), replicates=48, rolled=120):
    """Everything that the highest verdict needs."""
    rng = np.random.default_rng(seed)
    parts = [rollouts(law, turns=32, replicates=rolled, rng=rng)]
    parts += [ramps(law, hold=hold, replicates=replicates, rng=rng) for hold in holds]
    parts += [ramps(law, hold=1, replicates=8, rng=rng, arm="none")]
    return pa.concat_tables(parts)


def _in_time(folded):
    """(replicate, way, ratio, hold), both ways ascending, to (replicate, turn)."""
    ways = np.concatenate([folded[:, 0], folded[:, 1, ::-1]], axis=1)
    return ways.reshape(folded.shape[0], -1)


def _table(said, same, *, alpha, ratio=None, way=None):
    zero = np.zeros(alpha.shape, dtype=int)
    return dialogue_table(
        said,
        {**SLICE, **same},
        {
            "way": zero if way is None else way,
            "ratio": zero if ratio is None else ratio,
            "alpha": alpha,
            "context_alpha": alpha,
            "label": zero,
            "prompt_id": np.full(alpha.shape, "p0", dtype=object),
        },
    )
