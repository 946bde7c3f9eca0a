"""What somebody wrote, shown in a message: all on one line, and only as much as a person reads."""

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
