"""Texts of others where an operator reads them."""


def printable(text: str) -> str:
    r"""The text in one line, with each letter that nobody can see written as its escape, such as `\x1b`.

    A terminal obeys some of them instead of showing them, and others begin a line or turn the direction of reading: what an app
    calls its order could make a result say something else (cwe.mitre.org/data/definitions/150.html).
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
