"""XML read as it comes, one record at a time, with the line of each. Entities are refused, nothing is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final
from xml.parsers import expat

from central.catalogue.feeds.offers import FeedRefusedError

CHUNK: Final = 64 * 1024
MAX_DEPTH: Final = 32
MAX_CHILDREN: Final = 2000
MAX_TEXT: Final = 200_000


@dataclass(slots=True)
class Element:
    """One element; `tag` without namespace."""

    tag: str
    line: int
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def get(self, tag: str) -> str | None:
        """Text of the first child of that name."""
        return next((child.text for child in self.children if child.tag == tag), None)

    def all(self, tag: str) -> list[Element]:
        """Children of that name."""
        return [child for child in self.children if child.tag == tag]


class _Builder:
    """Collects the elements named in `wanted`; the rest of the document is passed over."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self.ready: list[Element] = []
        self.root: str | None = None
        self._wanted = wanted
        self._open: list[Element] = []
        self._text: list[list[str]] = []
        self._depth = 0
        self._size = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._entity
        self._parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def feed(self, data: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as error:
            why = expat.ErrorString(error.code)
            raise FeedRefusedError(f"line {error.lineno}: not well-formed ({why}); was it cut off?") from None
        except (ValueError, LookupError):
            raise FeedRefusedError("line 1: the encoding that the feed names is not known") from None

    def _refuse(self, why: str) -> FeedRefusedError:
        return FeedRefusedError(f"line {self._parser.CurrentLineNumber}: {why}")

    def _entity(self, *_: object) -> None:
        raise self._refuse("the feed declares entities; write characters instead")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        self._depth += 1
        self.root = self.root or tag
        if self._depth > MAX_DEPTH:
            raise self._refuse(f"elements are nested more than {MAX_DEPTH} deep")
        if not self._open and tag not in self._wanted:
            return
        element = Element(tag, self._parser.CurrentLineNumber, attributes)
        if self._open:
            self._open[-1].children.append(element)
            if len(self._open[-1].children) > MAX_CHILDREN:
                raise self._refuse(f"more than {MAX_CHILDREN} elements in one <{self._open[-1].tag}>")
        else:
            self._size = 0
        self._open.append(element)
        self._text.append([])

    def _characters(self, text: str) -> None:
        if not self._open:
            return
        self._size += len(text)
        if self._size > MAX_TEXT:
            raise self._refuse(f"more than {MAX_TEXT} characters in one <{self._open[0].tag}>")
        self._text[-1].append(text)

    def _end(self, _: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        element = self._open.pop()
        element.text = "".join(self._text.pop()).strip()
        if not self._open:
            self.ready.append(element)


def records(source: BinaryIO, root: str, wanted: frozenset[str]) -> Iterator[Element]:
    """The wanted elements in their order; FeedRefusedError names the line of what makes the feed unreadable."""
    builder = _Builder(wanted)
    while True:
        data = source.read(CHUNK)
        builder.feed(data, last=not data)
        if builder.root is not None and builder.root != root:
            raise FeedRefusedError(f"line 1: the feed begins with <{builder.root[:40]}>, expected <{root}>")
        yield from builder.ready
        builder.ready.clear()
        if not data:
            return
