"""The settings of a transition run: what a config file, the command line and Python all fill in."""

from collections.abc import Sequence
from typing import Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from alignthermo.contexts import Design, Reinforcement, append_only_sizes, fixed_length_sizes
from alignthermo.contexts.design import Placement, Size
from alignthermo.contexts.reinforcing import FILLER
from alignthermo.contexts.texts import REMINDERS
from alignthermo.errors import ConfigError
from alignthermo.experiments.transition_dialogue_config import DialogueSettings
from alignthermo.judges import parse_judge

__all__ = ["FAMILIES", "TransitionConfig"]

FAMILIES = (
    *("many_shot", "override", "role_play", "conflicting_system", "template", "turns"),
    "wrapped_request",
)
"""Attack families; `template`, `wrapped_request` and `turns` need a file."""

_SEVENTEEN = tuple(step / 16 for step in range(17))

Turns = Literal["many_shot", "override", "role_play", "conflicting_system", "template", "turns"]
Family = Literal[Turns, "wrapped_request"]
Order = Literal["random", "adversarial_last", "adversarial_first", "block_interleaved"]


class TransitionConfig(DialogueSettings):
    """Experiment 2: where compliance breaks as the adversarial share α of the context grows.

    Attributes
    ----------
    aligned : str or None
        The model that is measured: hub id (``org/name@revision``), folder, or ``shipped:MEMBER``.
    base : str or None
        Its base, for the constant-field null; left out, one model is measured.
    adapter : str or None
        PEFT adapter; `aligned` is then the base with the adapter switched on.
    prompts : str
        A file (JSONL, CSV, Parquet), a registry name, or ``shipped``; rows need compliant and defiant
        reference answers, or take the next two.
    compliant, defiant : tuple of str
        Reference answers for prompts that have none of that side of their own: refusals for requests that
        must not be fulfilled, say.
    kept_by : str or None
        ``refusal`` or ``help``: what keeps the instruction of prompts that do not say it themselves
        (``instruction``); judges of requests need to know. ``answers`` reads it off the reference answers
        of each instruction, where they show it: see `kept_by_answers`.
    families : tuple of str
        Out of `FAMILIES`.
    templates : str or None
        File of attack templates with a slot, for the families ``template`` (other requests inside) and
        ``wrapped_request`` (the measured request inside).
    before_wrap : str
        Which attack turns stand before a wrapped request: a family, or ``nothing``. The template is then all
        of the attack and there are two cells, with it and without; needs the design ``append_only``.
    turns : str or None
        JSONL of whole turns with labels: adversarial ones are the family ``turns``, instruction ones join
        the instruction pool, filler ones replace the shipped small talk.
    overrides, role_plays, conflicting_orders, reminders : tuple of str
        Phrases instead of the shipped ones; ``{rule}`` in a reminder is the system text.
    instruction : tuple of str
        Pools of instruction turns beside the system text: ``exchanges``, ``reminders``.
    system_prompt : str or None
        Instead of each prompt's own system text; empty for none.
    design : str
        ``fixed_length``: attack replaces instruction at constant L. ``append_only``: the instruction stays
        at N_instr = `lengths`, attack is added until α.
    alphas, lengths, orders, controls, replicates, matching, share, block
        As in `alignthermo.contexts.Design`.
    refine : int
        Rounds in which the grid of α is refined where a curve is steep for its spacing; 0 for none.
    reinforce : tuple of str
        Where redundant instruction is put, on top of each context of the first length: ``start``, ``end``,
        ``interleaved``. None: what raises α_c is not measured.
    reinforce_phrasings : tuple of str
        Phrasings of that reminder, as in `alignthermo.contexts.texts.REMINDERS`; ``own`` where `reminders`
        are given; ``filler`` for the control, neutral turns of the same length. Otherwise ``repeat`` (or
        ``own``).
    reinforce_tokens : tuple of int
        Redundant tokens; 0 is always measured, by the sweep.
    wanted_alpha_c : float or None
        The α_c that reinforcement shall reach.
    refused_turns : str
        ``error`` or ``adapt``, as in `alignthermo.contexts.ContextComposer`.
    raw : bool
        Contexts as plain paragraphs, for models without a chat template.
    samples : int
        Replies drawn from the aligned model in each context; 0 for none.
    max_new_tokens : int
        Budget of a reply.
    temperature : float
        Of the replies; 0 is greedy. Slopes of greedy and sampled replies are different quantities.
    judge : str
        Who judges the replies: ``reference``, ``heuristic``, ``checked``, ``classifier:ID`` or
        ``guard:FORMAT:ID``, see `alignthermo.judges.parse_judge`.
    judge_labels : str or None
        File of labelled completions, by which the judged rates are corrected.
    rollouts … neutral_reply
        As in `DialogueSettings`.
    kernel_lags : int
        Turns back that the memory kernel reaches.
    prompts_per_shard : int
        Prompts committed together.
    max_contexts : int
        A larger design is refused.
    max_cached_tokens : int
        Tokens whose keys and values are held at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str | None = None
    aligned: str | None = None
    adapter: str | None = None
    prompts: str
    compliant: tuple[str, ...] = ()
    defiant: tuple[str, ...] = ()
    kept_by: Literal["refusal", "help", "answers"] | None = None
    out: str | None = None
    limit: int | None = Field(default=None, ge=1)
    seed: int = Field(default=0, ge=0)
    dtype: Literal["auto", "float32", "float64", "bfloat16", "float16"] = "auto"
    device: str = "auto"
    shard: str | None = Field(default=None, pattern=r"^\d+/\d+$")
    families: tuple[Family, ...] = ("many_shot",)
    templates: str | None = None
    turns: str | None = None
    before_wrap: Literal[Turns, "nothing"] = "template"
    overrides: tuple[str, ...] = ()
    role_plays: tuple[str, ...] = ()
    conflicting_orders: tuple[str, ...] = ()
    reminders: tuple[str, ...] = ()
    reminder_role: Literal["system", "user"] = "system"
    instruction: tuple[Literal["exchanges", "reminders"], ...] = ("exchanges",)
    system_prompt: str | None = None
    design: Literal["fixed_length", "append_only"] = "fixed_length"
    alphas: tuple[float, ...] = _SEVENTEEN
    lengths: tuple[float, ...] = (400.0,)
    orders: tuple[Order, ...] = ("random", "adversarial_last", "adversarial_first")
    controls: tuple[Literal["attack", "dilution"], ...] = ("attack", "dilution")
    replicates: int = Field(default=1, ge=1)
    matching: Literal["nested", "closest"] = "nested"
    share: Literal["prompt", "sweep"] = "prompt"
    block: int = Field(default=2, ge=1)
    refine: int = Field(default=1, ge=0, le=8)
    reinforce: tuple[Placement, ...] = ()
    reinforce_phrasings: tuple[str, ...] = ()
    reinforce_tokens: tuple[int, ...] = (32, 64, 128)
    wanted_alpha_c: float | None = Field(default=None, gt=0.0, lt=1.0)
    refused_turns: Literal["error", "adapt"] = "error"
    raw: bool = False
    template_kwargs: dict[str, str | bool | int | float] = Field(default_factory=dict)
    samples: int = Field(default=0, ge=0)
    max_new_tokens: int = Field(default=128, ge=1)
    temperature: float = Field(default=1.0, ge=0.0)
    judge: str = "reference"
    judge_labels: str | None = None
    kernel_lags: int = Field(default=6, ge=1, le=64)
    level: float = Field(default=0.95, gt=0.5, lt=1.0)
    resamples: int = Field(default=2000, ge=200)
    prompts_per_shard: int = Field(default=4, ge=1)
    max_contexts: int = Field(default=20_000, ge=1)
    max_cached_tokens: int = Field(default=32_768, ge=1)
    fail_if: tuple[str, ...] = ()

    @field_validator(
        *("families", "orders", "controls", "instruction", "alphas", "lengths"),
        *("reinforce", "reinforce_phrasings", "reinforce_tokens"),
    )
    @classmethod
    def _each_once(cls, values: tuple[object, ...]) -> tuple[object, ...]:
        if len(set(values)) != len(values):
            raise ValueError(f"something is named twice: {', '.join(map(str, values))}")
        return values

    @model_validator(mode="after")
    def _complete(self) -> "TransitionConfig":
        if self.aligned is None and self.adapter is None:
            raise ValueError("name the model to measure (--aligned ID), or an adapter on --base (--adapter)")
        if self.adapter is not None and self.base is None:
            raise ValueError("an adapter needs the model it belongs to (--base ID)")
        if not self.families:
            raise ValueError("at least one attack family is needed")
        if "attack" not in self.controls:
            raise ValueError("the controls need 'attack': a dilution alone measures no threshold")
        self._filed()
        self._judged()
        try:
            self.context_design()
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    def _filed(self) -> None:
        wrapping = "wrapped_request" in self.families
        used = {*self.families, *((self.before_wrap,) if wrapping else ())}
        for family, file in (("template", self.templates), ("turns", self.turns)):
            if file is None and (family in used or (wrapping and family == "template")):
                name = family if family in self.families else "wrapped_request"
                raise ValueError(f"the family {name!r} needs a file (--{family.rstrip('s')}s FILE)")
        for option, phrases, users in (
            ("templates", self.templates, {"template", "wrapped_request"}),
            ("override", self.overrides, {"override"}),
            ("role-play", self.role_plays, {"role_play"}),
            ("conflicting-order", self.conflicting_orders, {"conflicting_system"}),
        ):
            if phrases and not users & used:
                raise ValueError(
                    f"--{option} is used by no family: add --family {' or '.join(sorted(users))}"
                )
        if wrapping and self.before_wrap == "nothing" and self.design != "append_only":
            raise ValueError(
                "a wrapped request with nothing before it is compared with the bare request at one N_instr: "
                "take the design append_only"
            )
        if self.has_dialogues and self.families[0] == "wrapped_request":
            raise ValueError("dialogues are made of turns: name another family before wrapped_request")

    @model_validator(mode="after")
    def _can_reinforce(self) -> "TransitionConfig":
        known = (*(("own",) if self.reminders else REMINDERS), FILLER)
        unknown = [phrasing for phrasing in self.reinforce_phrasings if phrasing not in known]
        if unknown:
            raise ValueError(f"reinforce_phrasings: {unknown[0]!r} is not one of {', '.join(known)}")
        if any(tokens < 0 for tokens in self.reinforce_tokens) or not any(self.reinforce_tokens):
            raise ValueError("reinforce_tokens: give numbers of tokens, at least one above 0")
        if self.wanted_alpha_c is not None and not self.reinforce:
            raise ValueError("wanted_alpha_c asks what reaches it: name placements in reinforce")
        return self

    @property
    def phrasings(self) -> tuple[str, ...]:
        """Phrasings of redundant instruction."""
        return self.reinforce_phrasings or (("own",) if self.reminders else ("repeat",))

    @property
    def reinforcements(self) -> tuple[Reinforcement, ...]:
        """Every redundant instruction that is tried: placements × phrasings × tokens."""
        return tuple(
            Reinforcement(tokens=tokens, placement=placement, phrasing=phrasing)
            for placement in self.reinforce
            for phrasing in self.phrasings
            for tokens in sorted(self.reinforce_tokens)
            if tokens
        )

    def _judged(self) -> None:
        if self.temperature == 0.0 and self.samples > 1:
            raise ValueError(
                f"greedy replies to one context are all the same: with temperature 0 take 1 sample, not "
                f"{self.samples}"
            )
        try:
            name = parse_judge(self.judge)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        if name.kind != "reference" and not self.samples and self.own_replies == "candidates":
            raise ValueError(
                f"the judge {self.judge!r} has nothing to judge: draw replies (--samples 8), or leave it out"
            )
        if self.judge_labels is not None and (name.kind in ("reference", "checked") or self.samples == 0):
            what = f"the judge {name.kind!r} is not calibrated by labels"
            what = what if self.samples else "nothing is judged"
            raise ValueError(f"{what}: leave out --judge-labels, or take --samples and a judge of requests")

    @property
    def size_name(self) -> str:
        """What `lengths` are: ``length`` (L) or ``n_instr``."""
        return "length" if self.design == "fixed_length" else "n_instr"

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The wanted (N_instr, N_adv), lengths slowest."""
        return self.sizes_at(self.alphas, self.lengths)

    def sizes_at(self, alphas: Sequence[float], lengths: Sequence[float]) -> tuple[Size, ...]:
        """Return the (N_instr, N_adv) at which `alphas` are wanted, lengths slowest."""
        if self.design == "fixed_length":
            return fixed_length_sizes(alphas, lengths)
        return tuple(
            size
            for kept in lengths
            for size in append_only_sizes([kept], [kept * a / (1.0 - a) for a in alphas if a < 1.0])
        )

    def context_design(self) -> Design:
        """Return the grid of cells.

        Raises
        ------
        ConfigError
            Impossible sizes.
        """
        return Design(
            sizes=self.sizes,
            orders=self.orders,
            controls=self.controls,
            replicates=self.replicates,
            seed=self.seed,
            matching=self.matching,
            share=self.share,
            block=self.block,
        )
