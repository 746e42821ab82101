"""Which cells a text selects; the one pattern language of `-k`, excludes, overrides and rings.

A word with `*`, `?`, `[..]` or `{a,b}` is a pattern over the whole id; any other word is looked for
anywhere in the id. `and`, `or`, `not` and parentheses combine words, as in pytest's `-k`.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from lab.errors import InputError, NothingSelected

Matcher = Callable[[str], bool]

MOST_ALTERNATIVES = 1000
"""What the braces of one pattern may multiply to."""

_TOKEN = re.compile(r"\s*(?:([()])|([^\s()]+))")
_INNERMOST = re.compile(r"\{([^{}]*)\}")
_GLOB = re.compile(r"[*?\[{]")


def expand(pattern: str) -> list[str]:
    """`a{1,2}` -> `a1`, `a2`; braces nest, and those without a partner stand for themselves.

    :raise InputError: more than MOST_ALTERNATIVES come out.
    """
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        one = waiting.pop()
        braces = _INNERMOST.search(one)
        if braces is None:
            done.append(one)
        else:
            choices = reversed(braces[1].split(","))
            waiting += [one[: braces.start()] + choice + one[braces.end() :] for choice in choices]
        if len(done) + len(waiting) > MOST_ALTERNATIVES:
            raise InputError(f"pattern {pattern!r} has too many alternatives (at most {MOST_ALTERNATIVES})")
    return list(dict.fromkeys(done))


def is_pattern(word: str) -> bool:
    """Whether `word` is matched as a pattern over the whole text."""
    return _GLOB.search(word) is not None


@lru_cache(maxsize=512)
def glob(pattern: str) -> Matcher:
    """A test for `pattern` over whole texts, upper and lower case told apart."""
    expressions = [fnmatch.translate(one) for one in expand(pattern)]
    # re.error cannot happen: fnmatch.translate escapes whatever is no valid set
    compiled = [re.compile(one) for one in expressions]
    if len(compiled) == 1:
        only = compiled[0].match
        return lambda text: only(text) is not None
    return lambda text: any(one.match(text) is not None for one in compiled)


@lru_cache(maxsize=512)
def matcher(expression: str) -> Matcher:
    """A test over cell ids.

    :raise InputError: the expression is empty or its words do not fit together.
    """
    tokens = [match[1] or match[2] for match in _TOKEN.finditer(expression)]
    parser = _Parser(expression, tokens)
    return parser.whole()


class _Parser:
    """`or` binds weakest, then `and`, then `not`."""

    def __init__(self, expression: str, tokens: list[str]) -> None:
        self._expression = expression
        self._tokens = tokens
        self._at = 0

    def whole(self) -> Matcher:
        made = self._either()
        if self._next() is not None:
            raise self._wrong(f"wanted 'and' or 'or' before {self._next()!r}")
        return made

    def _either(self) -> Matcher:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda text: any(part(text) for part in parts)

    def _both(self) -> Matcher:
        parts = [self._one()]
        while self._take("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda text: all(part(text) for part in parts)

    def _one(self) -> Matcher:
        negate = False
        while self._take("not"):
            negate = not negate
        inner = self._word()
        return (lambda text: not inner(text)) if negate else inner

    def _word(self) -> Matcher:
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                raise self._wrong("wanted ')'")
            return inner
        word = self._next()
        if word is None or word in (")", "and", "or"):
            raise self._wrong(f"wanted a word before {word!r}" if word else "wanted a word at its end")
        self._at += 1
        return glob(word) if is_pattern(word) else lambda text: word in text

    def _next(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, token: str) -> bool:
        found = self._next() == token
        self._at += found
        return found

    def _wrong(self, what: str) -> InputError:
        return InputError(f"selection {self._expression!r} cannot be read: {what}")


def choose(ids: Sequence[str], selections: Sequence[str]) -> set[str]:
    """The ids that any of `selections` selects; a selection that is an id selects that one alone.

    :raise NothingSelected: one of them selects nothing.
    :raise InputError: one of them cannot be read.
    """
    known = set(ids)
    chosen: set[str] = set()
    for selection in selections:
        if selection in known:
            chosen.add(selection)
            continue
        test = matcher(selection)
        found = {one for one in ids if test(one)}
        if not found:
            raise NothingSelected(
                f"selection {selection!r} matches none of {len(ids)} cells", hint=_hint(selection, ids)
            )
        chosen |= found
    return chosen


def _hint(selection: str, ids: Sequence[str]) -> str:
    near = closest_word(selection, ids)
    return f"lab plan lists them; closest is {near!r}" if near else "lab plan lists them"


def closest_word(selection: str, ids: Iterable[str]) -> str | None:
    """The axis value or id that is most like what was asked for."""
    values = {part for one in ids for part in one.split("_")}
    bare = [_GLOB.split(part)[0].strip("*?]}") for part in re.split(r"[\s()_]+", selection)]
    words = [word for word in bare if word and word not in ("and", "or", "not")]
    missing = [word for word in words if not any(word in value for value in values)] or words
    for word in missing:
        near: list[str] = difflib.get_close_matches(word, sorted(values), n=1, cutoff=0.4)
        if near:
            return near[0]
    return None
