"""What stands in a page of HTML: its tables as rows of text, and where its links lead."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Read:
    """What was read of a page. Tables go by their caption; the first row is the head."""

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    def rows(self, caption: str) -> list[dict[str, str]]:
        """The rows of the table whose caption has these words, by the words of its head."""
        head, *rows = next(rows for found, rows in self.tables.items() if caption in found)
        return [dict(zip(head, row, strict=True)) for row in rows]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.read = Read()
        self._rows: list[list[str]] = []
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.read.tags.append(tag)
        if tag == "a":
            self.read.links.append(dict(attributes).get("href") or "")
        elif tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th", "caption"):
            self._text = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "caption") and self._text is not None:
            text = " ".join("".join(self._text).split())
            self._text = None
            if tag == "caption":
                self.read.tables[text] = self._rows
            else:
                self._rows[-1].append(text)

    def handle_data(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)


def read(html: str) -> Read:
    """Read a page."""
    reader = _Reader()
    reader.feed(html)
    return reader.read
