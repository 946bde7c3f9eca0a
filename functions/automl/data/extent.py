"""How large an SQL expression becomes before it is handed to polars, whose planner repeats some operands.

Polars plans an expression recursively: a chain of some hundred operators takes seconds for each batch of rows, one of
some thousand ends the process. And ``a BETWEEN b AND c`` is planned as ``a >= b AND a <= c``, so that thirty of them,
each the operand of the next, are 2^30 copies of ``a``.
"""

import re
from dataclasses import dataclass, field

MOST_STEPS = 400
"""Planned within a second or two. Measured: 1,000 take 13 s in a chain of AND, 1,350 of || end the process."""
MOST_GROWTH = 1_000
"""Times that nested calls of REPLACE may lengthen a cell."""

_REPEATS = {"LEFT": 3, "RIGHT": 3, "SUBSTR": 3, "SUBSTRING": 3, "NULLIF": 2}
"""How often an argument comes at most; tests/unit/data/test_extent.py measures it."""
_GROWTH_BY_COLUMN = 30
_ENDS_OPERAND = frozenset({"OR", "XOR", "WHEN", "THEN", "ELSE"})
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|[^\W\d]\w*|[\d.]+\w*|\|\||::|[<>=!]+|\S", re.DOTALL
)


@dataclass
class _Group:
    """What stands between a parenthesis, or CASE, and its end."""

    repeats: int = 1
    replaces: bool = False
    is_case: bool = False
    steps: int = 0
    """Of operands that are over."""
    operand: int = 0
    """Of the one that goes on: what a BETWEEN after it would repeat."""
    betweens: int = 0
    """Whose AND has not come."""
    whens: int = 0
    compared: int = 0
    """Steps of a CASE's operand, which each WHEN repeats."""
    growth: float = 1
    """The most of what is in it."""
    arguments: list[list[str]] = field(default_factory=lambda: [[]])

    def end_operand(self) -> None:
        self.steps += self.operand
        self.operand = self.betweens = 0

    def word(self, word: str) -> None:
        if word == "BETWEEN":
            self.operand *= 2
            self.betweens += 1
        elif word == "AND" and self.betweens:
            self.betweens -= 1
        elif word in _ENDS_OPERAND or word == "AND":
            self.end_operand()
        if word == "WHEN" and self.is_case:
            self.compared = self.compared if self.whens else self.steps
            self.whens += 1

    def close(self) -> tuple[int, float]:
        """Steps and growth."""
        self.end_operand()
        steps = (self.steps + self.compared * max(0, self.whens - 1)) * self.repeats
        return steps, self.growth * (_growth(self.arguments) if self.replaces else 1)


def extent(text: str) -> tuple[int, float]:
    """Operators, names and calls that polars plans, at most; and how many times a cell may become longer, at most.

    Of a text that is no expression, anything.
    """
    groups, previous = [_Group()], ""
    for match in _TOKEN.finditer(text):
        token, word = match[0], match[0].upper()
        if token.startswith(("--", "/*")):
            continue
        group = groups[-1]
        if token == "(":
            groups.append(_Group(_REPEATS.get(previous, 1), replaces=previous == "REPLACE"))
        elif word == "CASE":
            groups.append(_Group(is_case=True))
        elif token == ")" or (word == "END" and group.is_case):
            if len(groups) > 1:
                steps, growth = groups.pop().close()
                groups[-1].operand += steps
                groups[-1].growth = max(groups[-1].growth, growth)
                groups[-1].arguments[-1].append("()")
        elif token == ",":
            group.end_operand()
            group.arguments.append([])
        else:
            group.word(word)
            group.arguments[-1].append(token)
            group.operand += _steps(token)
        previous = word
        if group.operand > MOST_STEPS and group.operand.bit_length() > 64:
            break
    while len(groups) > 1:
        steps, growth = groups.pop().close()
        groups[-1].operand += steps
        groups[-1].growth = max(groups[-1].growth, growth)
    return groups[0].close()


def _steps(token: str) -> int:
    if token[0] == "'" or token[0].isdigit() or token[0] == ".":
        return 0  # a list of many values costs little
    return 2 if token == "||" else 1


def _growth(arguments: list[list[str]]) -> float:
    """Of ``REPLACE(text, old, new)``."""
    texts = [argument[0][1:-1] for argument in arguments[1:] if len(argument) == 1 and argument[0][0] == "'"]
    if len(texts) != len(arguments) - 1 or len(texts) != 2:
        return _GROWTH_BY_COLUMN
    old, new = texts
    return max(1.0, len(new) / len(old)) if old else len(new) + 1.0
