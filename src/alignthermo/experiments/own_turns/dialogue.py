"""Dialogues of a model with a script: many replicates, turn by turn, each turn one sweep."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from scipy.special import logsumexp

from alignthermo.errors import ConfigError
from alignthermo.experiments.own_turns.recording import Recording
from alignthermo.experiments.own_turns.request import ReplyJudge, Request, by_candidates
from alignthermo.models.decoding import Stopping
from alignthermo.models.heads import readout_logits
from alignthermo.observables.forest import Answer, ForestSettings, Question, Sampling, read_forest
from alignthermo.prompts.render import RenderOptions, encode_response, render, render_raw
from alignthermo.quantities import LanguageModel, Message, Progress, Prompt, random_stream, silent

__all__ = ["Script", "SpeakSettings", "hold_dialogues"]

Ids = tuple[int, ...]


@runtime_checkable
class Script(Protocol):
    """Everything of one replicate's dialogue but the model's words."""

    @property
    def n_turns(self) -> int:
        """Own turns."""
        ...

    def request(self, turn: int) -> Request:
        """Return what is asked at an own turn."""
        ...

    def context(self, turn: int, replies: Sequence[str]) -> tuple[Message, ...]:
        """Return the whole context of an own turn, request included, given the replies so far."""
        ...

    def stream(self, turn: int) -> str:
        """Name the random numbers of an own turn."""
        ...


@dataclass(frozen=True, kw_only=True)
class SpeakSettings:
    """How the model speaks, and what is recorded beside.

    Attributes
    ----------
    seed : int
    replies : str
        ``sampled``: free samples, judged. ``candidates``: drawn among the reference replies by their
        probabilities, so every reply is determined and nothing is generated; exact where their mass is 1.
    judge : callable
        Of a free sample as the reply to its request: 1 kept, 0 broken, NaN undetermined.
    max_new_tokens : int
    temperature : float
        Of free samples.
    join : str or None
        Puts neighbouring messages of one role together, this text between them: for templates that want
        roles to alternate.
    options : RenderOptions
        How the chat template is used.
    raw : bool
        Contexts as plain paragraphs, for models without a chat template.
    entropy, surprisal : bool
        Record them, see `Recording`.
    forest : ForestSettings
        Bounds of memory and batches; `readouts` is set by `entropy`.

    Raises
    ------
    ConfigError
        Candidates at a temperature other than 1.
    """

    seed: int = 0
    replies: Literal["sampled", "candidates"] = "sampled"
    judge: ReplyJudge = by_candidates
    max_new_tokens: int = 48
    temperature: float = 1.0
    join: str | None = None
    options: RenderOptions = field(default_factory=RenderOptions)
    raw: bool = False
    entropy: bool = False
    surprisal: bool = False
    forest: ForestSettings = field(default_factory=ForestSettings)

    def __post_init__(self) -> None:
        if self.replies == "candidates" and self.temperature != 1.0:
            raise ConfigError(
                f"SpeakSettings: candidates are drawn by their probabilities, temperature 1, "
                f"not {self.temperature}"
            )


def hold_dialogues(
    model: LanguageModel,
    scripts: Sequence[Script],
    *,
    settings: SpeakSettings,
    progress: Progress = silent,
) -> Recording:
    """Let a model speak through scripts of equal length, one per replicate.

    Every own turn is one sweep over all replicates, so what they share is read once. Replicate r draws turn
    t from ``(seed, r, stream(t))``: two plans with equal streams use equal random numbers.

    Parameters
    ----------
    model : LanguageModel
    scripts : sequence of Script
    settings : SpeakSettings
    progress : Progress
        Called after every own turn with stage ``own turns``.

    Raises
    ------
    ConfigError
        No script, or scripts of different length.
    ContextTooLong
        A context that outgrew the model: fewer turns, a window, or shorter material.
    """
    lengths = {script.n_turns for script in scripts}
    if len(lengths) != 1:
        raise ConfigError(f"hold_dialogues: scripts of {sorted(lengths)} turns; needs one common length")
    n_turns = lengths.pop()
    floor = _Floor(model, scripts, settings)
    for turn in range(n_turns):
        floor.speak(turn)
        progress("own turns", turn + 1, n_turns, "")
    return floor.recording()


class _Floor:
    """The dialogues while they last."""

    def __init__(self, model: LanguageModel, scripts: Sequence[Script], settings: SpeakSettings) -> None:
        self._model, self._scripts, self._settings = model, scripts, settings
        self._stop_ids = model.stop_ids if isinstance(model, Stopping) else frozenset[int]()
        self._said: list[list[str]] = [[] for _ in scripts]
        self._before: list[Ids] = [() for _ in scripts]
        self._columns: dict[str, list[list[float]]] = {
            name: [] for name in ("kept", "log_odds", "candidate_mass", "entropy", "surprisal", "tokens")
        }
        self._encoded: dict[str, Ids] = {}
        self._rendered: dict[tuple[Message, ...], Ids] = {}
        self._forwarded = self._naive = 0

    def speak(self, turn: int) -> None:
        """Have every replicate take one own turn."""
        for column in self._columns.values():
            column.append([float("nan")] * len(self._scripts))
        contexts = [self._context(index, turn) for index in range(len(self._scripts))]
        self._columns["tokens"][-1] = [float(len(ids)) for ids in contexts]
        questions = [self._question(index, turn, ids) for index, ids in enumerate(contexts)]
        sampling = None
        if self._settings.replies == "sampled":
            sampling = Sampling(
                n=1,
                seed=self._settings.seed,
                max_new_tokens=self._settings.max_new_tokens,
                temperature=self._settings.temperature,
            )
        forest = ForestSettings(**{**vars(self._settings.forest), "readouts": self._settings.entropy})
        run = read_forest(self._model, questions, settings=forest, sampling=sampling)
        for answer in run:
            self._hear(answer, turn, questions[answer.index].key)
        self._forwarded += run.counts.forwarded
        self._naive += run.counts.naive
        if self._settings.surprisal:
            self._read_input(contexts)
        self._before = contexts

    def recording(self) -> Recording:
        """Return everything as arrays, replicates first."""
        arrays = {name: np.array(column, dtype=np.float64).T for name, column in self._columns.items()}
        return Recording(
            kept=arrays["kept"],
            log_odds=arrays["log_odds"],
            candidate_mass=arrays["candidate_mass"],
            entropy=arrays["entropy"],
            surprisal=arrays["surprisal"],
            tokens=arrays["tokens"].astype(np.int64),
            replies=tuple(tuple(said) for said in self._said),
            forwarded=self._forwarded,
            naive=self._naive,
        )

    def _context(self, index: int, turn: int) -> Ids:
        messages = self._scripts[index].context(turn, self._said[index])
        if self._settings.join is not None:
            messages = _joined(messages, self._settings.join)
        if messages not in self._rendered:
            prompt = Prompt(id=f"replicate {index}, own turn {turn + 1}", messages=messages)
            self._rendered[messages] = self._render(prompt)
        return self._rendered[messages]

    def _render(self, prompt: Prompt) -> Ids:
        if self._settings.raw:
            return render_raw(prompt, tokenizer=self._model.tokenizer).ids
        return render(prompt, tokenizer=self._model.tokenizer, options=self._settings.options).ids

    def _question(self, index: int, turn: int, ids: Ids) -> Question:
        request = self._scripts[index].request(turn)
        candidates = tuple(self._encode(text) for text in (*request.compliant, *request.defiant))
        return Question(
            key=f"{index}/{self._scripts[index].stream(turn)}", context=ids, candidates=candidates
        )

    def _encode(self, text: str) -> Ids:
        if text not in self._encoded:
            self._encoded[text] = encode_response(text, tokenizer=self._model.tokenizer)
        return self._encoded[text]

    def _hear(self, answer: Answer, turn: int, key: str) -> None:
        index = answer.index
        request = self._scripts[index].request(turn)
        n_compliant = len(request.compliant)
        log_kept, log_broken = (float(logsumexp(part)) for part in np.split(answer.log_probs, [n_compliant]))
        if self._settings.replies == "sampled":
            reply = self._text(answer.completions[0].ids)
            kept = self._settings.judge(request, reply)
        else:
            place = self._drawn(answer.log_probs, key)
            reply = (*request.compliant, *request.defiant)[place]
            kept = float(place < n_compliant)
        self._said[index].append(reply)
        self._enter(index, "kept", kept)
        self._enter(index, "log_odds", log_kept - log_broken)
        self._enter(index, "candidate_mass", float(np.exp(np.logaddexp(log_kept, log_broken))))
        if answer.readout is not None:
            log_p = readout_logits(answer.readout).double().log_softmax(-1).cpu().numpy()[0]
            p = np.exp(log_p)
            self._enter(index, "entropy", float(-(p[p > 0.0] * log_p[p > 0.0]).sum()))

    def _enter(self, index: int, name: str, value: float) -> None:
        self._columns[name][-1][index] = value

    def _drawn(self, log_probs: np.ndarray, key: str) -> int:
        share = np.exp(log_probs - logsumexp(log_probs))
        uniform = random_stream(self._settings.seed, key, 0, "reply").random()
        # rounding may leave the last sum just below 1
        place, last = int(np.searchsorted(np.cumsum(share), uniform, side="right")), len(log_probs) - 1
        return min(place, last)

    def _text(self, ids: Ids) -> str:
        spoken = [token for token in ids if token not in self._stop_ids]
        return self._model.tokenizer.decode(spoken).strip()

    def _read_input(self, contexts: Sequence[Ids]) -> None:
        """Score what each context has more than the one before, per token."""
        questions = []
        for index, (ids, before) in enumerate(zip(contexts, self._before, strict=True)):
            start = max(1, _seen(ids, before))
            questions.append(Question(key=str(index), context=ids[:start], candidates=(ids[start:],)))
        run = read_forest(self._model, questions, settings=self._settings.forest)
        for answer in run:
            n_new = len(questions[answer.index].candidates[0])
            self._enter(answer.index, "surprisal", -float(answer.log_probs[0]) / max(n_new, 1))
        self._forwarded += run.counts.forwarded
        self._naive += run.counts.naive


def _seen(ids: Ids, before: Ids) -> int:
    """Count the tokens of a context that the one before had: a window drops some after the opening."""
    opening = _shared(ids, before)
    for kept in range(min(len(before), len(ids)) - opening, 0, -1):
        if before[-kept:] == ids[opening : opening + kept]:
            return opening + kept
    return opening


def _shared(a: Ids, b: Ids) -> int:
    both = min(len(a), len(b))
    for place in range(both):
        if a[place] != b[place]:
            return place
    return both


def _joined(messages: tuple[Message, ...], between: str) -> tuple[Message, ...]:
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role == message.role:
            text = f"{joined[-1].content}{between}{message.content}"
            joined[-1] = Message(role=message.role, content=text)
        else:
            joined.append(message)
    return tuple(joined)
