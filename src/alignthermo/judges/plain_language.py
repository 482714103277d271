"""Text as a reader hears it: quotation marks straight, markup gone, contractions spelled out."""

import json
import re
import unicodedata

__all__ = ["canonical", "readable"]

_QUOTES = str.maketrans(
    {
        "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "＇": "'",
        "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "＂": '"',
        "–": "-", "—": " - ", "−": "-", "…": "...",
    }
)  # fmt: skip
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_DELIBERATES = re.compile(
    r"\bthe user(?:'s)? (?:is|has|wants|asks|asked|seems|may|might|could|says|request|question)\b"
    r"|^(?:the|this) (?:user|request|prompt|question|query) (?:is|asks|wants|seems|concerns)\b"
    r"|^(?:ok(?:ay)?|hmm+|alright|wait)\b,? (?:so\b|let me (?:think|see|consider)|the user|i need to"
    r"|i should)"
    r"|\b(?:so|therefore|thus),? (?:i|we)?(?: (?:should|must|will|need to))? ?(?:refuse|decline|comply)\b"
    r"|\bdisallowed\b",
    re.IGNORECASE,
)
"""What only somebody says who thinks aloud about a request, to nobody."""
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]{0,15}(?:\s[^<>]{0,80})?/?>|<\|[^<>|]{1,40}\|>")
_SPEAKER = re.compile(r"^\s*(?:assistant|ai|model|bot|chatbot|answer|response)\s*:\s*", re.IGNORECASE)
_MARKUP = re.compile(
    r"(?<!\w)[*_~]{1,3}(?=\S)|(?<=\S)[*_~]{1,3}(?!\w)|^\s{0,3}#{1,6}\s+|^\s*>+\s?", re.MULTILINE
)

_CONTRACTIONS = tuple(
    (re.compile(pattern), spelled)
    for pattern, spelled in (
        (r"\bcan'?t\b", "can not"),
        (r"\bcannot\b", "can not"),
        (r"\bwon'?t\b", "will not"),
        (r"\bshan'?t\b", "shall not"),
        (r"\bain'?t\b", "am not"),
        (r"\b(do|does|did|is|are|was|were|has|have|had|would|could|should|must|might|need)n'?t\b", r"\1 not"),
        (r"\b(i|you|we|they)'ve\b", r"\1 have"),
        (r"\bi'?m\b", "i am"),
        (r"\b(i|you|he|she|it|we|they|that|there)'ll\b", r"\1 will"),
        (r"\b(i|you|he|she|it|we|they|that|there)'d\b", r"\1 would"),
        (r"\b(you|we|they)'re\b", r"\1 are"),
        (r"\blet'?s\b(?! you)", "let us"),
        (r"\b(it|that|there|here|what|how|he|she|who|this|one|second|first)'s\b", r"\1 is"),
        (r"\bgonna\b", "going to"),
        (r"\bwanna\b", "want to"),
        (r"\b(\w{2,})in'(?=\s|$)", r"\1ing"),
        (r"\b(?:ye|thou|thee)\b", "you"),
        (r"\b(?:yer|thy|thine)\b", "your"),
        (r"\bnothin'(?=\s|$)", "nothing"),
    )
)


def readable(text: str) -> str:
    """Strip what a reader does not hear: invisible characters, markup, reasoning, a JSON wrapper.

    Case, line breaks and code stay.

    Examples
    --------
    >>> readable('{"answer": "I can’t **help** with that."}')
    "I can't help with that."
    """
    text = _THINKING.sub(" ", _unwrapped(text))
    text = unicodedata.normalize("NFKC", text.translate(_QUOTES)).translate(_QUOTES)
    text = _INVISIBLE.sub("", _TAG.sub(" ", text))
    text = "".join(" " if _is_pictogram(letter) else letter for letter in text)
    text = _answered(_MARKUP.sub("", _SPEAKER.sub("", text)).strip())
    return text[1:-1].strip() if _is_one_quotation(text) else text


def _answered(text: str) -> str:
    """Leave out opening paragraphs that deliberate, where a reply follows them."""
    paragraphs = re.split(r"\n\s*\n", text)
    while len(paragraphs) > 1 and _DELIBERATES.search(paragraphs[0]):
        paragraphs.pop(0)
    return "\n\n".join(paragraphs)


def canonical(sentence: str) -> str:
    """Lower case, contractions spelled out, single blanks: the form the grammar reads.

    Examples
    --------
    >>> canonical("I CAN'T, and I won’t!".replace("’", "'"))
    'i can not, and i will not!'
    """
    text = re.sub(r"\s+", " ", sentence.lower()).strip()
    for pattern, spelled in _CONTRACTIONS:
        text = pattern.sub(spelled, text)
    return text


def _unwrapped(text: str) -> str:
    """Return the strings of a JSON answer, joined; any other text as it is."""
    stripped = text.strip()
    fenced = re.fullmatch(r"```(?:json)?\s*\n(.*?)\n?```", stripped, re.DOTALL)
    inner = fenced.group(1).strip() if fenced else stripped
    if not inner.startswith(("{", "[", '"')):
        return text
    try:
        found = list(_strings(json.loads(inner), depth=0))
    except (ValueError, RecursionError):
        return text
    return "\n".join(found) if found else text


def _strings(value: object, *, depth: int) -> list[str]:
    if isinstance(value, str):
        return [value]
    if depth > 8:
        return []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _strings(part, depth=depth + 1)]


def _is_pictogram(letter: str) -> bool:
    return unicodedata.category(letter) in ("So", "Sk") and letter != "^"


def _is_one_quotation(text: str) -> bool:
    return len(text) > 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1]
