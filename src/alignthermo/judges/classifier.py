"""Any Hugging Face sequence classifier as a judge, with a map from its labels to outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from alignthermo.errors import ConfigError, InputError, ModelError, PromptError, WeightsError
from alignthermo.judges.asking import judged_once
from alignthermo.judges.exchange import OUTCOMES, Exchange, Judgement, Outcome
from alignthermo.judges.label_names import outcome_named
from alignthermo.models.checkpoint import load_tokenizer, place
from alignthermo.models.heads import check_finite
from alignthermo.models.sources import Source, check_files, resolve
from alignthermo.prompts.literal import check_encodable

__all__ = ["ClassifierJudge", "load_classifier", "longest_input", "outcomes_of_labels"]

_NO_LIMIT = 2**31


def outcomes_of_labels(
    id2label: Mapping[int, str], given: Mapping[str, str] | None = None
) -> tuple[Outcome, ...]:
    """Return the outcome of each class of a classifier, in the order of its logits.

    Parameters
    ----------
    id2label : mapping of int to str
        As in the model's config.
    given : mapping of str to str, optional
        Outcome by label; without it the labels must name outcomes themselves (see `label_names`).

    Raises
    ------
    ConfigError
        A label has no outcome, the map names labels the model does not have, or all classes are one outcome.

    Examples
    --------
    >>> outcomes_of_labels({0: "compliance", 1: "refusal"})
    ('fulfilled', 'refused')
    """
    labels = [id2label[i] for i in sorted(id2label)]
    if given is not None and set(given) != set(labels):
        raise ConfigError(
            f"the label map names {sorted(given)}, the classifier has {sorted(labels)}; map every label to "
            f"{', '.join(OUTCOMES)} or abstain"
        )
    try:
        outcomes = tuple(outcome_named(given[label] if given else label) for label in labels)
    except InputError as error:
        raise ConfigError(
            f"the classifier's labels are {labels}: give a map from each to {', '.join(OUTCOMES)} or abstain "
            f"({error})"
        ) from error
    if len(set(outcomes)) < 2:
        raise ConfigError(f"all labels {labels} mean {outcomes[0]}: such a classifier judges nothing")
    return outcomes


@dataclass(frozen=True, kw_only=True)
class ClassifierJudge:
    """Judges with the most probable class; probabilities of classes with one outcome are added.

    Attributes
    ----------
    model, tokenizer : transformers objects
    outcomes : tuple of str
        Outcome of each class.
    source : str
        Where it comes from, with its revision.
    map_name : str
        The label map as it was given; empty where the labels name outcomes themselves.
    pairs : bool
        Whether the classifier reads request and response as a pair of texts, or the response alone.
    min_confidence : float
        Probability below which the judge abstains.
    batch_size : int
    """

    model: Any
    tokenizer: Any
    outcomes: tuple[Outcome, ...]
    source: str
    map_name: str = ""
    pairs: bool = True
    min_confidence: float = 0.0
    batch_size: int = 16

    @property
    def name(self) -> str:
        """Model with every setting that changes a verdict."""
        settings = [self.source, self.map_name, "" if self.pairs else "reads=reply"]
        settings += [f"min_confidence={self.min_confidence:g}"] if self.min_confidence else []
        return f"classifier({', '.join(one for one in settings if one)})"

    def judge(self, exchanges: Sequence[Exchange]) -> tuple[Judgement, ...]:
        """Judge exchanges, each text once and texts of like length together.

        An empty text, a too long one and one that cannot be encoded are abstentions. The texts stay literal:
        a separator token typed in a response is read as the characters it consists of.

        Raises
        ------
        NonFiniteLogits
            NaN or +inf among the logits.
        """
        return judged_once(exchanges, self._distinct)

    def _distinct(self, exchanges: Sequence[Exchange]) -> tuple[Judgement, ...]:
        found: dict[int, Judgement] = {}
        lengths: dict[int, int] = {}
        for i, exchange in enumerate(exchanges):
            problem, length = self._length(exchange)
            if problem:
                found[i] = Judgement.abstain(problem, judge=self.name)
            else:
                lengths[i] = length
        order = sorted(lengths, key=lambda i: lengths[i])
        for start in range(0, len(order), self.batch_size):
            part = order[start : start + self.batch_size]
            for i, row in zip(part, self._probabilities([exchanges[i] for i in part]), strict=True):
                found[i] = self._decide(row)
        return tuple(found[i] for i in range(len(exchanges)))

    def _length(self, exchange: Exchange) -> tuple[str, int]:
        """Return why a text cannot be read, if so, and its tokens."""
        if not exchange.response.strip():
            return "nothing to read", 0
        try:
            for text in (exchange.request, exchange.response):
                check_encodable(text)
        except PromptError as error:
            return str(error), 0
        length = len(self._encoded([exchange])["input_ids"][0])
        limit = longest_input(self.model, self.tokenizer)
        return ("" if length <= limit else f"{length} tokens, and the classifier reads {limit}"), length

    def _encoded(self, exchanges: Sequence[Exchange], **options: object) -> Any:  # noqa: ANN401
        requests, responses = [e.request for e in exchanges], [e.response for e in exchanges]
        texts = (requests, responses) if self.pairs else (responses,)
        return self.tokenizer(*texts, split_special_tokens=True, **options)

    def _probabilities(self, exchanges: Sequence[Exchange]) -> list[list[float]]:
        batch = self._encoded(exchanges, padding=True, return_tensors="pt")
        with torch.inference_mode():
            logits = self.model(**batch.to(self.model.device)).logits
        check_finite(logits, what="logits of the classifier")
        rows: list[list[float]] = torch.softmax(logits.double(), dim=-1).tolist()
        return rows

    def _decide(self, row: list[float]) -> Judgement:
        total: dict[Outcome, float] = {}
        for outcome, probability in zip(self.outcomes, row, strict=True):
            total[outcome] = total.get(outcome, 0.0) + probability
        best = max(total, key=lambda outcome: total[outcome])
        ground = ", ".join(f"{outcome} {share:.3f}" for outcome, share in total.items())
        if best == "abstain" or total[best] < self.min_confidence:
            return Judgement.abstain(f"not sure enough: {ground}", judge=self.name)
        return Judgement(outcome=best, confidence=min(total[best], 1.0), evidence=(ground,), judge=self.name)


def longest_input(model: Any, tokenizer: Any) -> int:  # noqa: ANN401
    """Return how many tokens a classifier reads.

    The tokenizer may say less than the positions there are. Positions that begin after the padding index
    (RoBERTa) lose as many, and one more.
    """
    positions = int(getattr(model.config, "max_position_embeddings", None) or _NO_LIMIT)
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            positions -= int(module.padding_idx) + 1
    return int(min(positions, tokenizer.model_max_length))


def load_classifier(
    model: str,
    *,
    labels: Mapping[str, str] | None = None,
    pairs: bool = True,
    min_confidence: float = 0.0,
    device: str = "auto",
) -> ClassifierJudge:
    """Load a sequence classifier by hub id (``org/name@revision``) or folder.

    Parameters
    ----------
    model : str
    labels : mapping of str to str, optional
        Outcome of each of its labels; by default its ``id2label`` must name outcomes.
    pairs : bool
        Whether it reads (request, response); otherwise the response alone.
    min_confidence : float
    device : str

    Raises
    ------
    ConfigError
        Labels without an outcome, a confidence outside [0, 1], or a device this machine does not have.
    ModelError
        The model is not found, is no classifier, or needs remote code.
    WeightsError
        Missing, damaged or pickled weights.
    """
    if not 0.0 <= min_confidence <= 1.0:
        raise ConfigError(f"min_confidence must lie in [0, 1], got {min_confidence}")
    source = resolve(model)
    check_files(source)
    placement = place("auto", device, (source,))
    tokenizer = load_tokenizer(source)
    loaded = _load(source, dtype=placement.dtype).to(placement.device)
    id2label = {int(i): str(label) for i, label in loaded.config.id2label.items()}
    if tokenizer.pad_token_id is None:
        raise ModelError(
            f"{source.name}: its tokenizer has no padding token; set one in tokenizer_config.json"
        )
    loaded.config.pad_token_id = tokenizer.pad_token_id
    return ClassifierJudge(
        model=loaded,
        tokenizer=tokenizer,
        outcomes=outcomes_of_labels(id2label, labels),
        source=f"{source.name}@{source.revision}",
        map_name=", ".join(f"{label}={outcome}" for label, outcome in (labels or {}).items()),
        pairs=pairs,
        min_confidence=min_confidence,
    )


def _load(source: Source, *, dtype: torch.dtype | None) -> Any:  # noqa: ANN401
    from transformers import AutoModelForSequenceClassification

    try:
        model, report = AutoModelForSequenceClassification.from_pretrained(
            source.folder,
            trust_remote_code=False,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            dtype=dtype or "auto",
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError) as error:
        raise ModelError(f"{source.name} cannot be loaded as a classifier: {error}") from error
    missing = sorted([*report["missing_keys"], *map(str, report["mismatched_keys"])])
    if missing:
        raise WeightsError(
            f"{source.name}: {', '.join(missing[:5])} would be filled with random numbers; is it a sequence "
            "classifier? (a language model has no classification head; a generative guard is loaded as such)"
        )
    return model.eval()
