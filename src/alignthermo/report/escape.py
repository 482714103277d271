"""Text that cannot act: every invisible or steering character is turned into a visible one.

HTML escaping alone is not enough for the output of a language model. A bidi override reorders the
line around it, an ANSI escape reaches the terminal of whoever pastes it, NUL and lone surrogates
cannot be written as UTF-8 HTML at all. What a reader cannot see must be shown, never interpreted.
"""

import re
import unicodedata

from markupsafe import Markup, escape

__all__ = ["clipped", "marked", "visible", "with_code"]

# Letters and marks that render as nothing although Unicode calls them printable: fillers, the grapheme
# joiner, the braille blank, and variation selectors (bytes can be hidden in them; U+FE0F is left to emoji).
_BLANK_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_BLANK = re.compile(f"[{_BLANK_LETTERS}\ufe00-\ufe0e\U000e0100-\U000e01ef]")
_DELETE = 0x7F


def visible(text: str) -> str:
    r"""Return `text` on one line with control, format, private and surrogate characters made visible.

    The result is plain text: it still has to be HTML-escaped.

    Examples
    --------
    >>> visible("a\x00b\u202ec\ud800d")
    'a␀b⟨U+202E⟩c⟨U+D800⟩d'
    >>> visible("\x1b[31mred\n")
    '␛[31mred␊'
    """
    if text.isprintable() and not _BLANK.search(text):
        return text
    return "".join(_shown(character) for character in text)


def marked(text: str) -> Markup:
    """Return `text` escaped as HTML, what was made visible in a ``span``, line breaks kept.

    Examples
    --------
    >>> print(marked("<b>"))
    &lt;b&gt;
    >>> print(marked(chr(7)))
    <span class="ctl">␇</span>
    """
    if text.isprintable() and not _BLANK.search(text):
        return escape(text)
    return Markup("").join(_marked(character) for character in text)


def clipped(text: str, length: int) -> str:
    """Cut `text` to `length` characters and say how many were left out.

    >>> clipped("abcdef", 4)
    'abcd… (+2 characters)'
    """
    left_out = len(text) - length
    return text if left_out <= 0 else f"{text[:length]}… (+{left_out:,} characters)"


def with_code(text: str) -> Markup:
    """Return a line of text escaped as HTML, what stands between backticks as code.

    >>> print(with_code("give `--base ID` <now>"))
    give <code>--base ID</code> &lt;now&gt;
    """
    pieces = visible(text).split("`")
    wrapped = (
        Markup("<code>{}</code>").format(piece) if n % 2 and n < len(pieces) - 1 else escape(piece)
        for n, piece in enumerate(pieces)
    )
    return Markup("").join(wrapped)


def _shown(character: str) -> str:
    code = ord(character)
    if code < ord(" "):
        return chr(0x2400 + code)
    if code == _DELETE:
        return "\u2421"
    hidden = not character.isprintable() and unicodedata.category(character) != "Zs"
    return f"⟨U+{code:04X}⟩" if hidden or _BLANK.match(character) else character


def _marked(character: str) -> Markup:
    if character == "\n":
        return Markup('<span class="ctl">↵</span>\n')
    if character == "\t":
        return Markup('<span class="ctl">⇥</span>\t')
    shown = _shown(character)
    return escape(character) if shown == character else Markup('<span class="ctl">{}</span>').format(shown)
