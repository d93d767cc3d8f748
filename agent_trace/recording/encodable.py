"""Text that UTF-8 can carry. Python's may hold half of a surrogate pair, which no encoding and no JSON takes."""


def encodable(text: str) -> str:
    """The text with each such half as a question mark; the very same object when it is plain ASCII."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
