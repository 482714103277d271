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
    "constant_field_measured": Term(name="measured", definition="P(kept) by the share of turns that attack"),
    "constant_field_predicted": Term(
        name="base + constant", definition="P(kept) of the base with the constant field added to its h"
    ),
    "alphas_added": Term(name="α added", definition="values of α that refinement added to this curve"),
    "judged_rate": Term(
        name="judged rate", definition="share of sampled replies that a judge says keep the instruction"
    ),
    "judged_undetermined": Term(name="undetermined", definition="share the judge could not decide"),
    "judged_unfinished": Term(name="cut off", definition="share that the budget of tokens cut off"),
    "judged_rate_decided": Term(
        name="rate of the decided", definition="kept of those the judge called kept or broken"
    ),
    "judged_rate_corrected": Term(
        name="corrected rate", definition="judged rate corrected for the judge’s confusion matrix"
    ),
    "alpha_c_judged": Term(
        name="α_c judged", definition="α_c of the judged rate; undetermined replies are not kept"
    ),
    "alpha_c_decided": Term(name="α_c of the decided", definition="α_c of the rate of the decided"),
    "alpha_c_judged_corrected": Term(
        name="α_c corrected", definition="α_c judged, corrected for what the judge gets wrong"
    ),
    "slope_judged": Term(
        name="slope, sampled", definition="slope within of the judged rate of sampled replies"
    ),
    "slope_greedy": Term(
        name="slope, greedy", definition="the same of greedy replies: steeper by construction, not comparable"
    ),
    "judge_balanced_accuracy": Term(
        name="balanced accuracy of the judge", definition="mean recall of its classes on the labelled replies"
    ),
    "judge_abstention": Term(
        name="abstention of the judge", definition="share of the labelled replies it did not decide"
    ),
    "first_refusal_mass": Term(
        name="first-token refusal mass", definition="probability that the first token opens a refusal"
    ),
}

_RAISING: dict[str, Term] = {
    "reinforcement_gain_h": Term(
        name="gain in h", definition="what a redundant token adds to h at fixed α of the own turns"
    ),
    "reinforcement_gain_h_beyond_filler": Term(
        name="gain in h beyond filler", definition="the same less that of neutral filler of the same length"
    ),
    "alpha_c_reinforced": Term(
        name="α_c reinforced", definition="α_c of the own turns with so many redundant tokens"
    ),
    "reinforcement_gain": Term(name="gain in α_c", definition="what a redundant token adds to α_c"),
    "reinforcement_gain_best": Term(
        name="best gain", definition="of all placements and phrasings; the interval allows for the choice"
    ),
    "tokens_to_reach": Term(
        name="tokens to the wanted α_c", definition="fewest redundant tokens that reach it, by placement"
    ),
    "tokens_to_raise": Term(
        name="tokens to raise", definition="those of the cheapest; the interval allows for the choice"
    ),
}

_OWN_TURNS: dict[str, Term] = {
    "rollout_p_kept": Term(name="mean compliance", definition="kept replies over own turns at one α"),
    "rollout_candidate_mass": Term(
        name="candidate mass, rollouts",
        definition="probability of the reference answers, mean over own turns",
    ),
    "rollout_left_out": Term(name="rollouts left out", definition="those with an undetermined reply"),
    "rollout_feedback": Term(
        name="Σw, rollouts", definition="sum of the additive null’s memory of own replies; above 2 bistable"
    ),
    "bimodality": Term(
        name="bimodality", definition="Sarle’s coefficient of mean compliance over rollouts, by their turns"
    ),
    "bimodality_excess": Term(name="excess bimodality", definition="beyond the simulated additive null"),
    "outcome_variance": Term(
        name="outcome variance", definition="of mean compliance, in units of p(1 − p) per turn"
    ),
    "outcome_variance_null": Term(name="outcome variance, null", definition="of the simulated additive null"),
    "outcome_variance_excess": Term(name="excess outcome variance", definition="beyond the additive null"),
    "field_variance": Term(name="variance of h", definition="over replicates at the same turn"),
    "field_variance_null": Term(name="variance of h, null", definition="of the simulated additive null"),
    "field_variance_excess": Term(name="excess variance of h", definition="beyond the additive null"),
    "field_lag_one": Term(name="lag-1 autocorrelation", definition="of h about its mean at the turn"),
    "field_lag_one_null": Term(
        name="lag-1 autocorrelation, null", definition="of the simulated additive null"
    ),
    "field_lag_one_excess": Term(
        name="excess lag-1 autocorrelation", definition="beyond the additive null: slowing down"
    ),
    "flips": Term(name="flips", definition="changes between kept and broken per own turn"),
    "commitment_turns": Term(
        name="commitment time", definition="own turns until a rollout stays on its side"
    ),
    "uncommitted": Term(name="uncommitted", definition="share of rollouts that had not settled"),
    "escape_kept": Term(name="stay in kept", definition="own turns that a kept majority lasts"),
    "escape_broken": Term(name="stay in broken", definition="own turns that a broken majority lasts"),
    "ramp_p_kept": Term(
        name="P(kept) on a ramp", definition="of the last reply held at an α, on the way up or down"
    ),
    "loop_area": Term(name="loop area", definition="∫ (m↑ − m↓) dα of the last replies held"),
    "loop_area_expected": Term(
        name="loop area of P(kept)", definition="the same of P(kept) before the reply: less noisy"
    ),
    "loop_area_field": Term(name="loop area of h", definition="the same of h"),
    "loop_null": Term(name="loop area, null", definition="of the simulated additive null"),
    "loop_excess": Term(name="excess loop area", definition="beyond the additive null"),
    "loop_feedback": Term(
        name="Σw, ramps", definition="sum of the additive null’s memory of own replies; above 2 bistable"
    ),
    "loop_self_minus_neutral": Term(
        name="self minus neutral", definition="loop area with own replies less that with neutral ones"
    ),
    "loop_candidate_mass": Term(
        name="candidate mass, ramps", definition="probability of the reference answers, mean over own turns"
    ),
    "loop_left_out": Term(name="ramps left out", definition="those with an undetermined reply"),
    "warning_area": Term(
        name="area under the ROC",
        definition="alarms in attacks before they collapse, against harmless dialogues",
    ),
    "warning_roc": Term(name="ROC", definition="attacks detected at a rate of false alarms"),
    "warning_false_alarms": Term(
        name="false alarms", definition="share of harmless dialogues with an alarm, held out"
    ),
    "warning_detection": Term(
        name="detected", definition="share of attacks with an alarm before the collapse, held out"
    ),
    "warning_lead_time": Term(name="lead time", definition="own turns from the alarm to the collapse"),
    "warning_beyond_baseline": Term(
        name="beyond the baseline", definition="area less that of the best baseline, paired"
    ),
}

TRANSITION_GLOSSARY: dict[str, Term] = {
    **_OWN,
    **{
        f"base_{name}": Term(name=f"{_OWN[name].name}, base", definition=_OWN[name].definition)
        for name in ("alpha_c", "kernel", "kernel_field", "kernel_total", "kernel_r2", "kernel_r2_mean")
    },
    **_RAISING,
    **_OWN_TURNS,
}
"""Records of the base begin with ``base_``."""
