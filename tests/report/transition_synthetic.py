"""A made-up transition of known shape: logistic curves, one of them never broken."""

import math
from functools import cache

from alignthermo.quantities import Estimate, Record, Verdict
from alignthermo.report.transition import TransitionData
from tests.report.dialogue_synthetic import dialogue_records

FAMILIES = ("many_shot", "override")
ORDERS = ("random", "adversarial_last")
LENGTHS = ("200", "400")
ALPHAS = tuple(step / 8 for step in range(9))
CENTRES = {
    ("many_shot", "random"): 0.62,
    ("many_shot", "adversarial_last"): 0.31,
    ("override", "random"): 0.71,
}
"""α_c by family and order; override with the attack last is kept throughout."""

LAWS = ("constant", "line", "accumulation", "bounded power law", "step", "logistic")
N = 50


def number(value, *, half=0.03, unit="1", n=N, caveats=()):
    return Estimate(
        value=value,
        stderr=half / 2,
        low=value - half,
        high=value + half,
        n=n,
        unit=unit,
        method="mean over prompts, bootstrap-t",
        caveats=caveats,
    )


def record(quantity, estimate, where, **policies):
    return Record(
        experiment="transition",
        unit_id="all",
        slice=where,
        quantity=quantity,
        estimate=estimate,
        policies={"design": "fixed_length", "share": "prompt", **policies},
    )


def kept(alpha, centre, length):
    steep = 6.0 * math.sqrt(int(length) / 200)
    return 1.0 / (1.0 + math.exp(steep * (alpha - centre)))


def alpha_c(centre, *, unbounded=False):
    if unbounded:
        reason = "not bracketed: kept at every α of the grid, α_c lies above it"
        return Estimate(value=math.nan, low=1.0, n=N, unit="1", method="crossing", reason=reason)
    return number(centre, half=0.04)


def curve(where, centre):
    """Everything that one line of the certificate rests on."""
    length, records = where["length"], []
    unbounded = centre is None
    records.append(record("alpha_c", alpha_c(centre, unbounded=unbounded), where))
    records.append(record("slope_within", number(2.1, unit="per α"), where))
    for quantity in ("slope_marginal", "width_quenched", "width_thermal", "alpha_mid", "held_until"):
        records.append(record(quantity, number(0.4), where))
    records.append(record("base_alpha_c", number((centre or 1.2) - 0.3), where))
    for quantity, fall in (("drop_attack", 0.8), ("drop_dilution", 0.1), ("drop_beyond_dilution", 0.7)):
        records.append(record(quantity, number(fall), where))
    for law in LAWS:
        gap = 0.01 if law == "accumulation" else 3.2
        records.append(record("law_gap", number(gap, unit="nat/prompt"), {**where, "law": law}))
    for alpha in ALPHAS:
        records += point(where, alpha, centre or 1.6, length)
    return records


def point(where, alpha, centre, length):
    at = {**where, "wanted_alpha": f"{alpha:g}"}
    p = kept(alpha, centre, length)
    records = [
        record("p_kept", number(p), {**at, "control": "attack"}),
        record("p_kept", number(0.9 + 0.1 * p), {**at, "control": "dilution"}),
        record("base_p_kept", number(kept(alpha, centre - 0.3, length)), {**at, "control": "attack"}),
        record("candidate_mass", number(0.97 - 0.2 * alpha), {**at, "control": "attack"}),
        record("p_kept_low", number(0.9 * p), {**at, "control": "attack"}),
        record("p_kept_high", number(0.9 * p + 0.1), {**at, "control": "attack"}),
    ]
    judged = {"judge": "heuristic", "decoding": "sampled at T = 1"}
    for quantity, value in (
        ("judged_rate", 0.95 * p),
        ("judged_undetermined", 0.04),
        ("judged_unfinished", 0.0),
    ):
        records.append(record(quantity, number(value), {**at, "control": "attack"}, **judged))
    records.append(record("first_refusal_mass", number(0.8 * p), {**at, "control": "attack"}))
    return records


def scene(family):
    """Memory, constant field and size scaling of one family."""
    where = {"category": "all", "family": family, "order": "random"}
    records = [record("gamma", number(0.97), where)]
    for prefix in ("", "base_"):
        for quantity in ("kernel_field", "kernel_total"):
            records.append(record(f"{prefix}{quantity}", number(2.0, unit="nat"), where))
        for quantity in ("kernel_r2", "kernel_r2_mean"):
            records.append(record(f"{prefix}{quantity}", number(0.8), where))
        for lag in range(1, 7):
            weight = number(math.exp(-lag / 3) + (0.1 if prefix else 0.0), unit="nat")
            records.append(record(f"{prefix}kernel", weight, {**where, "lag": str(lag)}))
    records.append(record("constant_field", number(2.2, unit="nat"), where))
    records.append(record("constant_field_excess_slope", number(-0.4, unit="nat"), where))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = {**where, "turn_alpha": f"{share:.3f}"}
        records.append(record("constant_field_measured", number(kept(share, 0.6, "200")), at))
        records.append(record("constant_field_predicted", number(kept(share, 0.66, "200")), at))
        records.append(record("constant_field_difference", number(-0.04), at))
    return records


def reinforced(where):
    records = []
    for placement in ("start", "end"):
        for phrasing in ("repeat", "filler"):
            arm = {**where, "placement": placement, "phrasing": phrasing}
            gain = 0.0 if phrasing == "filler" else 0.012
            records.append(record("reinforcement_gain_h", number(gain, half=0.002, unit="nat/token"), arm))
            records.append(record("reinforcement_gain", number(gain / 10, half=0.0004, unit="1/token"), arm))
            records.append(record("tokens_to_reach", number(71.0, half=20.0, unit="token"), arm))
            for dose in (32, 64):
                reached = number(0.62 + gain / 10 * dose)
                records.append(record("alpha_c_reinforced", reached, {**arm, "tokens": str(dose)}))
    best = number(0.0012, half=0.0004, unit="1/token")
    return [*records, record("reinforcement_gain_best", best, where, reinforcement="repeat at end")]


def verdicts_of(where, *, label="sigmoid with size scaling, explained by accumulation"):
    ceiling = "without rollouts and ramps at two holds nothing above a sigmoid can be said"
    return [
        Verdict(name="law", outcome="accumulation", statement="simplest within two errors", slice=where),
        Verdict(name="transition", outcome=label, statement=ceiling, slice=where),
        Verdict(
            name="null:shuffled_labels", outcome="pass", statement="0 of 5 shuffles respond", slice=where
        ),
    ]


@cache
def transition_data():
    records, verdicts = [], []
    for category in ("all", "secret"):
        for family in FAMILIES if category == "all" else FAMILIES[:1]:
            records += scene(family) if category == "all" else []
            for order in ORDERS:
                for length in LENGTHS:
                    where = {"category": category, "family": family, "order": order, "length": length}
                    records += curve(where, CENTRES.get((family, order)))
                    verdicts += verdicts_of(where)
    scene_of_dialogues = {"category": "all", "family": "many_shot", "order": "random", "length": "200"}
    records += reinforced(scene_of_dialogues)
    spoken, decided = dialogue_records(record, number, scene_of_dialogues)
    records += spoken
    verdicts += decided
    for name, count in (("naive", 1e6), ("optimal", 9e4), ("forwarded", 9.2e4), ("generated", 4e3)):
        tokens = Estimate(value=count, n=1, unit="token", method="counted")
        records.append(record(f"tokens_{name}", tokens, {}))
    return TransitionData(
        title="Where compliance breaks",
        records=tuple(records),
        verdicts=tuple(verdicts),
        left_out=("p7 under override: no compliant reference answer", "p9: no compliant reference answer"),
        run={
            "base": "shipped:base",
            "aligned": "shipped:aligned-beta-0.25",
            "command": "alignthermo transition --config run/run.json --out NEW_FOLDER",
            "config": {
                "prompts": "shipped",
                "families": list(FAMILIES),
                "orders": list(ORDERS),
                "lengths": [200.0],
            },
            "weights": {"aligned": "sha256:" + "cd" * 32},
        },
    )
