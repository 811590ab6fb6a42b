"""Definitions as a list of tokens, each with the line it is from."""

import dataclasses
import re

from .source import Place

END = "the end of the file"

# A line marker of the preprocessor: # 12 "file" flags
MARKER = re.compile(r'#\s*(?:line\s+)?(\d+)\s+"((?:[^"\\]|\\.)*)"')

TOKEN = re.compile(r"""
    (?P<space>\s+|/\*.*?\*/|//[^\n]*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<number>0[xX][0-9a-fA-F]+|\d+)
  | (?P<string>"[^"\n]*")
  | (?P<symbol>[-+*/:;,=()\[\]{}^|<>.])
""", re.VERBOSE | re.DOTALL)

# What an import names: not tokens, but a word up to its end.
IMPORT = re.compile(r'\b([usid]?import)\s+(<[^>\n]*>|"[^"\n]*")', re.I)


@dataclasses.dataclass(frozen=True)
class Token:
    kind: str  # name, number, string, symbol, file, other, end
    text: str
    place: Place

    def __str__(self):
        return self.text if self.kind == "end" else f"'{self.text}'"

    @property
    def word(self):
        """As keywords are compared: in lower case."""
        return self.text.lower() if self.kind == "name" else self.text


def _tokens_of(line, place):
    """The tokens of one line without markers or comments over its end."""
    at = 0
    while at < len(line):
        if found := IMPORT.match(line, at):
            yield Token("name", found[1], place)
            yield Token("file", found[2], place)
        elif found := TOKEN.match(line, at):
            if found.lastgroup != "space":
                yield Token(found.lastgroup, found[0], place)
        else:  # which the parser will not expect anywhere
            yield Token("other", line[at], place)
            at += 1
            continue
        at = found.end()


def tokens(text, file):
    """All tokens of preprocessed @text, and one that says the file ends."""
    # Comments are gone unless nobody ran the preprocessor: keep the lines.
    text = re.sub(r"/\*.*?\*/", lambda c: "\n" * c[0].count("\n") or " ",
                  text, flags=re.DOTALL)
    result, line, name = [], 0, file
    for content in text.split("\n"):
        line += 1
        if found := MARKER.match(content):
            line, name = int(found[1]) - 1, found[2]
        elif not content.lstrip().startswith("#"):
            result.extend(_tokens_of(content, Place(name, line)))
    last = result[-1].place if result else Place(file, max(line, 1))
    result.append(Token("end", END, last))
    return result
