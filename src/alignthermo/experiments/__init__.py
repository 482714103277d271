"""One file per question; experiments yield token rows and records, and never write files."""

from alignthermo.experiments.config import LandscapeConfig
from alignthermo.experiments.landscape import Landscape, Shard, ShardResult, read_pair
from alignthermo.experiments.landscape_summary import ALL, summarise_landscape
from alignthermo.experiments.policies import ContextPolicy, parse_context_policy
from alignthermo.experiments.prompt_records import ROW_FAILED, prompt_records
from alignthermo.experiments.stage import Stage, StageResult, StageShard, stage_shard_id
from alignthermo.experiments.token_rows import TOKEN_COLUMNS, token_table
from alignthermo.experiments.transition import Transition, TransitionShardResult
from alignthermo.experiments.transition_bound import RefinementBound, refinement_bound
from alignthermo.experiments.transition_certificate import (
    Certificate,
    CertificateLine,
    certificate_of,
    threshold_text,
)
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_dialogue_bound import DialogueBound, dialogue_bound
from alignthermo.experiments.transition_dialogue_rows import DIALOGUE_SCHEMA
from alignthermo.experiments.transition_dialogues import DIALOGUES
from alignthermo.experiments.transition_judged import JUDGE_CHECK, JUDGED_QUANTITIES, summarise_judged
from alignthermo.experiments.transition_kept_by import completing
from alignthermo.experiments.transition_material import Sources, read_sources
from alignthermo.experiments.transition_plan import PlannedTokens, TransitionPlan, compose_all
from alignthermo.experiments.transition_problems import problem_records, shard_records, token_records
from alignthermo.experiments.transition_replies import judge_rows
from alignthermo.experiments.transition_rows import TRANSITION_SCHEMA, transition_table
from alignthermo.experiments.transition_scenes import Scene, scenes_of
from alignthermo.experiments.transition_shards import TransitionShard
from alignthermo.experiments.transition_stages import transition_stages
from alignthermo.experiments.transition_stored import context_rows, curve_rows
from alignthermo.experiments.transition_summary import summarise_transition

__all__ = [
    "ALL",
    "DIALOGUES",
    "DIALOGUE_SCHEMA",
    "JUDGED_QUANTITIES",
    "JUDGE_CHECK",
    "ROW_FAILED",
    "TOKEN_COLUMNS",
    "TRANSITION_SCHEMA",
    "Certificate",
    "CertificateLine",
    "ContextPolicy",
    "DialogueBound",
    "Landscape",
    "LandscapeConfig",
    "PlannedTokens",
    "RefinementBound",
    "Scene",
    "Shard",
    "ShardResult",
    "Sources",
    "Stage",
    "StageResult",
    "StageShard",
    "Transition",
    "TransitionConfig",
    "TransitionPlan",
    "TransitionShard",
    "TransitionShardResult",
    "certificate_of",
    "completing",
    "compose_all",
    "context_rows",
    "curve_rows",
    "dialogue_bound",
    "judge_rows",
    "parse_context_policy",
    "problem_records",
    "prompt_records",
    "read_pair",
    "read_sources",
    "refinement_bound",
    "scenes_of",
    "shard_records",
    "stage_shard_id",
    "summarise_judged",
    "summarise_landscape",
    "summarise_transition",
    "threshold_text",
    "token_records",
    "token_table",
    "transition_stages",
    "transition_table",
]
