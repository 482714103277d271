"""From per-token numbers to values with errors: means, profiles, free energies and self-checks."""

from alignthermo.estimators.bootstrap import cluster_mean, cluster_proportion, cluster_ratio
from alignthermo.estimators.clusters import Clusters, gather_clusters, with_caveat
from alignthermo.estimators.correlation import autocorrelation, statistical_inefficiency
from alignthermo.estimators.depth import depth_90, depth_of_share
from alignthermo.estimators.difference import cluster_difference
from alignthermo.estimators.fluctuation import check_fluctuation_mean, check_two_sided_identity
from alignthermo.estimators.free_energy import bar, log_mean_reward_partition, zwanzig
from alignthermo.estimators.intervals import MIN_CLUSTERS
from alignthermo.estimators.profile import DepthProfile, depth_profile, first_k_share, survivor_profile
from alignthermo.estimators.resampling import Resampling
from alignthermo.estimators.responses import Responses
from alignthermo.estimators.sampler_checks import check_dispersion, check_sampler
from alignthermo.estimators.self_check import SelfCheck
from alignthermo.estimators.self_checks import SelfCheckEvidence, check_normalisation, run_self_checks
from alignthermo.estimators.sequence import (
    fisher_information,
    naive_sequence_heat_capacity,
    sequence_heat_capacity,
)
from alignthermo.estimators.shares import clustered_share
from alignthermo.estimators.summary import clopper_pearson, quantile, wilson

__all__ = [
    "MIN_CLUSTERS",
    "Clusters",
    "DepthProfile",
    "Resampling",
    "Responses",
    "SelfCheck",
    "SelfCheckEvidence",
    "autocorrelation",
    "bar",
    "check_dispersion",
    "check_fluctuation_mean",
    "check_normalisation",
    "check_sampler",
    "check_two_sided_identity",
    "clopper_pearson",
    "cluster_difference",
    "cluster_mean",
    "cluster_proportion",
    "cluster_ratio",
    "clustered_share",
    "depth_90",
    "depth_of_share",
    "depth_profile",
    "first_k_share",
    "fisher_information",
    "gather_clusters",
    "log_mean_reward_partition",
    "naive_sequence_heat_capacity",
    "quantile",
    "run_self_checks",
    "sequence_heat_capacity",
    "statistical_inefficiency",
    "survivor_profile",
    "wilson",
    "with_caveat",
    "zwanzig",
]
