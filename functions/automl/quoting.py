"""What somebody wrote, shown in a message: all on one line, and only as much as a person reads."""

import unicodedata

SHOWN = 100


def shortened(text: str, most: int = SHOWN) -> str:
    """The text; what is longer without its middle, as a message begins with what is wrong and ends with what to do."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[-end:]}"


def quoted(text: str, most: int = SHOWN) -> str:
    """The text in quotes; characters that nobody sees, or that turn the reading direction, by their numbers."""
    return repr(shortened(text, most))


def visible(text: str) -> str:
    """The text with such characters by their numbers."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def quoted_beside(text: str, other: str) -> str:
    """The text in quotes; its characters by their numbers where it might be taken for the other text.

    That is where both are the same in Unicode's composed form, and where what only the first one has are letters of
    scripts that the other has none of: Cyrillic ones that look Latin.
    """
    scripts = {_script(one) for one in other}
    only = [one for one in text if one not in other]
    foreign = bool(only) and all(_script(one) not in scripts | {"LATIN"} and not one.isascii() for one in only)
    same = unicodedata.normalize("NFC", text) == unicodedata.normalize("NFC", other)
    return ascii(shortened(text)) if foreign or same else quoted(text)


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
