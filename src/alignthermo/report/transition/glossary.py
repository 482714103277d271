"""What each quantity of a transition is called and means, in words that fit on one line."""

from alignthermo.report.glossary import Term

__all__ = ["TRANSITION_GLOSSARY"]

_OWN: dict[str, Term] = {
    "alpha_c": Term(
        name="critical context ratio α_c",
        definition="adversarial share of instruction and attack tokens at which P(kept) = 1/2",
    ),
    "alpha_c_log_odds": Term(name="α_c of h", definition="where the mean log-odds h is 0"),
    "alpha_mid": Term(name="midpoint", definition="α midway between the fitted asymptotes: not α_c"),
    "held_until": Term(
        name="held until", definition="largest α up to which P(kept) is significantly above 1/2"
    ),
    "alpha_c_gain": Term(
        name="α_c beyond the base", definition="α_c of the measured model less that of its base, paired"
    ),
    "slope_within": Term(
        name="slope within", definition="steepest fall of P(kept) per unit of α within a prompt"
    ),
    "slope_marginal": Term(name="slope across", definition="that of the curve averaged over prompts"),
    "width_thermal": Term(name="width within", definition="how wide the crossing of one prompt is, in α"),
    "width_quenched": Term(
        name="width across", definition="standard deviation of the prompts’ own thresholds, in α"
    ),
    "gamma": Term(name="size exponent γ", definition="slope within ~ L^γ over the lengths of the run"),
    "law_gap": Term(name="held-out gap", definition="log-likelihood per prompt behind the best law"),
    "p_kept": Term(name="P(kept)", definition="σ(h): compliant against defiant reference answers, forced"),
    "base_p_kept": Term(name="P(kept) of the base", definition="the same of the base, in the same contexts"),
    "candidate_mass": Term(name="candidate mass", definition="probability of all reference answers together"),
    "p_kept_low": Term(
        name="lower bound of P(kept)", definition="probability of the compliant reference answers"
    ),
    "p_kept_high": Term(
        name="upper bound of P(kept)", definition="1 − probability of the defiant reference answers"
    ),
    "drop_attack": Term(name="fall under attack", definition="P(kept) at the smallest α less at the largest"),
    "drop_dilution": Term(
        name="fall under filler", definition="the same with neutral filler in the place of the attack"
    ),
    "drop_beyond_dilution": Term(
        name="fall beyond filler", definition="what the attack does that filler does not, paired"
    ),
    "kernel": Term(name="memory kernel", definition="what a turn adds to h, by how many turns ago it was"),
    "kernel_field": Term(name="h without memory", definition="intercept of the kernel fit"),
    "kernel_total": Term(name="sum of the kernel", definition="what a unanimous context adds to h"),
    "kernel_r2": Term(name="R² by lag", definition="share of the variance of h that turns by lag explain"),
    "kernel_r2_mean": Term(
        name="R² of the mean label", definition="share that their mean explains, order left out"
    ),
    "constant_field": Term(name="constant field", definition="mean of h less h of the base"),
    "constant_field_excess_slope": Term(
        name="excess slope", definition="growth of h less h of the base with the mean label of turns"
    ),
    "constant_field_difference": Term(
        name="beyond a constant field", definition="measured P(kept) less that of base plus constant"
    ),
    "judged_rate": Term(
        name="judged rate", definition="share of sampled replies that a judge says keep the instruction"
    ),
    "first_refusal_mass": Term(
        name="first-token refusal mass", definition="probability that the first token opens a refusal"
    ),
}

TRANSITION_GLOSSARY: dict[str, Term] = {
    **_OWN,
    **{
        f"base_{name}": Term(name=f"{_OWN[name].name}, base", definition=_OWN[name].definition)
        for name in ("alpha_c", "kernel", "kernel_field", "kernel_total", "kernel_r2", "kernel_r2_mean")
    },
}
"""Records of the base begin with ``base_``."""
