"""The stage of a transition in which the model hears itself: its words go to rows, nothing is estimated."""

from collections.abc import Sequence
from dataclasses import dataclass

from alignthermo.errors import AlignthermoError
from alignthermo.experiments.own_turns import Recording, Request, SpeakSettings, hold_dialogues
from alignthermo.experiments.own_turns import ReplyJudge as TurnJudge
from alignthermo.experiments.responses import Problem
from alignthermo.experiments.stage import StageResult, StageShard, stage_shard_id
from alignthermo.experiments.transition_config import TransitionConfig
from alignthermo.experiments.transition_dialogue_jobs import ESCALATION, Job, jobs_of
from alignthermo.experiments.transition_dialogue_rows import dialogue_table
from alignthermo.experiments.transition_dialogue_scripts import scripts_of
from alignthermo.experiments.transition_material import Sources
from alignthermo.experiments.transition_problems import problem_records
from alignthermo.experiments.transition_scenes import Scene, SceneMaterial, scenes_of
from alignthermo.experiments.transition_stage import Grounds
from alignthermo.experiments.transition_stored import curve_rows
from alignthermo.judges import ReplyJudge, load_reply_judge
from alignthermo.observables.forest import ForestSettings
from alignthermo.prompts import RenderOptions
from alignthermo.quantities import Estimate, LanguageModel, Pair, Record

__all__ = ["DIALOGUES", "DialogueStage"]

DIALOGUES = "dialogues"


@dataclass(frozen=True, kw_only=True)
class DialogueStage:
    """Rollouts, ramps and escalations, one shard for each α, each arm and hold, each arm."""

    @property
    def name(self) -> str:
        """Return ``dialogues``."""
        return DIALOGUES

    def plan(self, grounds: Grounds) -> Sequence[StageShard]:
        """Return the shards; none where no dialogue is asked for."""
        config = grounds.config
        if not config.has_dialogues:
            return ()
        rows = curve_rows(grounds.stored)
        scenes = scenes_of(config, grounds.sources)
        wanted = [(scene, job) for scene in scenes for job in jobs_of(config, scene, rows)]
        hall = _Hall(config, grounds.sources)
        return tuple(
            _DialogueShard(number=number, scene=scene, job=job, hall=hall)
            for number, (scene, job) in enumerate(wanted)
        )


class _Hall:
    """What the shards share: materials by scene and tokenizer, and the judge."""

    def __init__(self, config: TransitionConfig, sources: Sources) -> None:
        self.config, self._sources = config, sources
        self._materials: dict[str, SceneMaterial] = {}
        self._judge: ReplyJudge | None = None

    def material(self, scene: Scene, model: LanguageModel) -> SceneMaterial:
        if scene.category not in self._materials:
            self._materials[scene.category] = SceneMaterial(
                scene, config=self.config, sources=self._sources, tokenizer=model.tokenizer
            )
        return self._materials[scene.category]

    def settings(self, material: SceneMaterial, job: Job) -> SpeakSettings:
        config = self.config
        if config.own_replies == "sampled" and self._judge is None:
            self._judge = load_reply_judge(config.judge, device=config.device)
        watched = job.protocol == ESCALATION
        common = SpeakSettings(
            seed=config.seed,
            replies="candidates",
            join=material.join,
            options=RenderOptions(template_kwargs=config.template_kwargs),
            raw=config.raw,
            entropy=watched,
            surprisal=watched,
            forest=ForestSettings(max_cached_tokens=config.max_cached_tokens),
        )
        if self._judge is None:
            return common
        sampled = {"judge": _judged(self._judge, material), "max_new_tokens": config.max_new_tokens}
        more = {**sampled, "replies": "sampled", "temperature": config.temperature}
        return SpeakSettings(**{**vars(common), **more})


@dataclass(frozen=True, kw_only=True)
class _DialogueShard:
    number: int
    scene: Scene
    job: Job
    hall: _Hall

    @property
    def id(self) -> str:
        return stage_shard_id(DIALOGUES, self.number)

    def measure(self, pair: Pair) -> StageResult:
        model, config = pair.aligned, self.hall.config
        try:
            material = self.hall.material(self.scene, model)
            asked = scripts_of(self.job, material, config)
            recording = hold_dialogues(model, asked.scripts, settings=self.hall.settings(material, self.job))
        except AlignthermoError as error:
            return StageResult(rows=None, records=self._problem(error))
        same = {
            "category": self.scene.category,
            "family": config.families[0],
            "order": config.orders[0],
            "size": config.lengths[0],
            "protocol": self.job.protocol,
            "arm": self.job.arm,
            "hold": self.job.hold,
            "wanted_alpha": self.job.alpha,
        }
        rows = dialogue_table(recording, same, asked.columns)
        return StageResult(rows=rows, records=self._cost(recording))

    def _problem(self, error: AlignthermoError) -> tuple[Record, ...]:
        name = f"{DIALOGUES}: {self.scene.category}, {self.job.name}"
        return problem_records(
            [Problem(prompt_id=name, category=self.scene.prompts[0].category, message=str(error))]
        )

    def _cost(self, recording: Recording) -> tuple[Record, ...]:
        return tuple(
            Record(
                experiment="transition",
                unit_id=self.id,
                slice={"category": self.scene.category},
                quantity=f"dialogue_tokens_{name}",
                estimate=Estimate(value=n, stderr=0.0, low=n, high=n, n=1, unit="token", method="counted"),
            )
            for name, n in (
                ("forwarded", float(recording.forwarded)),
                ("naive", float(recording.naive)),
            )
        )


def _judged(judge: ReplyJudge, material: SceneMaterial) -> TurnJudge:
    """Return the judge as dialogues call it: 1 kept, 0 broken, NaN undetermined."""
    value = {"kept": 1.0, "broken": 0.0, "undetermined": float("nan")}

    def judged(request: Request, reply: str) -> float:
        return value[judge.judge([material.prompts[request]], [reply])[0].instruction]

    return judged
