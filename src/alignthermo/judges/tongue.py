"""Which language a text is in: by its script, and within a script by its commonest little words.

Deterministic and offline. Where several languages fit, or none, the answer is None: unknown.
"""

import re
import unicodedata
from collections import Counter

__all__ = [
    "DETECTED",
    "LANGUAGES",
    "function_word_share",
    "is_pronounceable",
    "language_of",
    "script_of",
]

_SCRIPTS = {
    "ar": "ARABIC", "bn": "BENGALI", "gu": "GUJARATI", "pa": "GURMUKHI", "kn": "KANNADA", "ta": "TAMIL",
    "te": "TELUGU", "th": "THAI", "ko": "HANGUL", "el": "GREEK", "he": "HEBREW", "ml": "MALAYALAM",
    "hy": "ARMENIAN", "ka": "GEORGIAN", "hi": "DEVANAGARI", "ru": "CYRILLIC", "ja": "HIRAGANA", "zh": "CJK",
}  # fmt: skip
_BY_SCRIPT = {script: language for language, script in _SCRIPTS.items()} | {"KATAKANA": "ja"}

_WORDS = {
    "en": "the of and to a in is you that it for on with as are this be i not have or at from by we can"
        " your but they will was an if do no does did has had its their them then there what which who when"
        " where how any some more about into than only my use",
    "de": "der die das und ist nicht ein eine zu den dem ich mit sie es auf für von im des sich auch als"
        " an wie kann bei oder aus sind",
    "fr": "le la les de des et est un une que qui dans pour pas vous je en du au ce il elle sur avec ne"
        " se sont plus par mais nous",
    "es": "el la los las de y que en un una es por con para no se su lo del al como más pero sus le ya"
        " este son está muy",
    "it": "il lo la gli le di e che un una è per non con del della in si da sono come ma più anche nel"
        " alla questo ha dei",
    "pt": "o a os as de e que em um uma é para com não se por do da dos no na mais como mas ao você são"
        " seu sua foi",
    "nl": "de het een en van is dat niet in op te zijn met voor ik je aan er maar om bij ook als naar dan"
        " kan deze die worden",
    "sv": "och att det som en är på av för med den till inte har jag ett om du kan så från men vi eller var",
    "fi": "ja on ei se että hän oli mutta joka kun niin mitä voi ovat minä myös tai kuin sen hänen olen"
        " sinä tämä nämä",
    "vi": "và là của không có những một được cho với các người trong này đã để khi như tôi bạn đó nhưng"
        " rất từ",
    "sw": "na ya wa kwa ni katika la za hii kuwa yake cha kama hiyo pia sana watu wake huo lakini au mimi"
        " wewe si",
    "pl": "i w na nie się jest to że do z jak ale co po za od dla przez są ich być czy ma tym oraz",
    "tr": "ve bir bu da de için ile çok olarak daha gibi ne var ben sen değil ama olan kadar sonra en",
    "id": "yang dan di ini itu dengan untuk dari tidak dalam akan pada juga saya ke adalah atau ada bisa"
        " kami anda",
    "ru": "и в не на что я с он как это по но они мы все она так его за от то вы у же для",
    "bg": "и в на не да се от за че с по са до това като той но ще те или съм един който има",
    "uk": "і в не на що я з він як це по але вони ми та вона так його за від до ви у для є",
    "ar": "في من على أن إلى هذا التي الذي ما لا مع كان عن هذه كل بعد قد ذلك أو هو هي كما",
    "fa": "و در به از که این را با است برای آن یک خود تا بر هم می نیز شما من ما های",
    "ur": "اور کے میں کی ہے سے کا کو نے ہیں پر یہ کہ اس ایک نہیں جو بھی تو آپ وہ تھا",
    "hi": "और के में की है से का को ने हैं पर यह कि इस एक नहीं जो भी तो आप वह था",
    "mr": "आणि आहे च्या मध्ये हे या तो ते ही आहेत नाही एक की पण मी तुम्ही त्या होते करून साठी असे",
    "ne": "र छ को मा लाई यो हो छन् भने पनि एक गर्न हुन्छ थियो तर म तपाईं गरेको छैन उनी हामी",
}  # fmt: skip
LANGUAGES = {code: frozenset(words.split()) for code, words in _WORDS.items()}
"""Function words by ISO 639-1 code."""

DETECTED = frozenset(LANGUAGES) | frozenset(_SCRIPTS)
"""Codes `language_of` can return."""

_LETTERS = re.compile(r"[^\W\d_]+(?:\u094d?[\u0900-\u097f]+)*")

_ALPHABETS = {
    "CYRILLIC": ("ru", "bg", "uk"),
    "ARABIC": ("ar", "fa", "ur"),
    "DEVANAGARI": ("hi", "mr", "ne"),
    "LATIN": tuple(c for c in LANGUAGES if c not in ("ru", "bg", "uk", "ar", "fa", "ur", "hi", "mr", "ne")),
}
_MARGIN = 1.25
"""How many times as many function words the best language must have as the next."""

_LEAST_SHARE = 0.08
_LEAST_HITS = 2
"""Function words a language must have in a text: one may be a name or the variable y."""

_VOWELS = re.compile(r"[aeiouyà-öø-ÿ]")
_CLUSTER = re.compile(r"[^aeiouyà-öø-ÿ]{5,}")


def script_of(text: str) -> str | None:
    """Return the script most letters belong to, as the first word of their Unicode names.

    Any kana make a text Japanese however many Chinese characters it has.

    Examples
    --------
    >>> script_of("Привет"), script_of("123")
    ('CYRILLIC', None)
    """
    names = Counter(unicodedata.name(c, "?").split(" ")[0] for c in text if c.isalpha())
    if names.keys() & {"HIRAGANA", "KATAKANA"}:
        return "HIRAGANA"
    return names.most_common(1)[0][0] if names else None


def function_word_share(text: str, language: str) -> float:
    """Share of the words of a text that are function words of a language; 0 for a text without words."""
    words = _LETTERS.findall(text.lower())
    return sum(word in LANGUAGES[language] for word in words) / len(words) if words else 0.0


def language_of(text: str) -> str | None:
    """Return the ISO 639-1 code of the language of a text, or None where it cannot be told.

    Examples
    --------
    >>> language_of("The cat sat on the mat and it was happy with this.")
    'en'
    >>> language_of("Die Katze sitzt auf dem Sofa und ist nicht zufrieden.")
    'de'
    >>> language_of("zxq vbn plm qwrt") is None
    True
    """
    script = script_of(text)
    if script is None:
        return None
    if script not in _ALPHABETS:
        return _BY_SCRIPT.get(script)
    shares = sorted(((function_word_share(text, code), code) for code in _ALPHABETS[script]), reverse=True)
    (best, code), (second, _) = shares[0], shares[1]
    hits = round(best * len(_LETTERS.findall(text.lower())))
    clear = best >= _LEAST_SHARE and best >= _MARGIN * second and (code == "en" or hits >= _LEAST_HITS)
    return code if clear else None


def is_pronounceable(word: str) -> bool:
    """Whether a lower-case word of Latin script could be spoken: a vowel, and no five consonants in a row.

    Examples
    --------
    >>> is_pronounceable("conduct"), is_pronounceable("zxqv")
    (True, False)
    """
    return _VOWELS.search(word) is not None and _CLUSTER.search(word) is None
