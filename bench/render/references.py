"""What a paper cites: the sources of the methods and data sets of a board, as BibTeX.

A method's sources stand in the docstring of its module, a data set's on its card, so they are read
from there; nothing is imported. In a docstring a source is `Authors, "Title", venue year, doi:...`
or `arXiv:...`, and one that follows `LOF:` belongs to the class `LOF` alone.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import datasets
from detectors.entry import Entry
from detectors.source import source_file
from detectors.spec import parse

_PARTICLE = r"(?:van|von|de|der|den|di|du|la|le|el|al)[ -]"
_WORD = rf"(?:[A-Z]\.[ -]?)*(?:{_PARTICLE})*[A-Z][\w'-]*"
_NAME = rf"{_WORD}(?: {_WORD})*"
_AUTHORS = rf"{_NAME}(?:(?:, and |, | and | & ){_NAME})*(?:,? et al\.)?"
_IDENTIFIER = r"(?:doi:|arXiv:|https?://|openreview\.net/)\S+?(?=[.,;)]*(?:\s|$))"
_QUOTED = re.compile(
    rf"(?:(?P<label>[\w+-]+):\s+)?(?P<authors>{_AUTHORS}),\s+\"(?P<title>[^\"]+?),?\",?\s+"
    rf"(?P<rest>(?:{_IDENTIFIER}|(?<=\d)\(\d+\)|[^\";.(]|\.(?=\d))*)"
)
_FEW = rf"{_NAME} et al\.|(?:{_NAME}, )*?{_NAME} and {_NAME}|{_NAME}"  # a title may follow bare
_CARD = re.compile(rf"(?P<authors>{_FEW}), (?P<title>[^,]+)(?:, (?P<rest>.*))?")


@dataclass(frozen=True)
class Reference:
    """One source.

    Attributes:
        key: what LaTeX cites it by.
        authors: names, or the first with "et al.".
        title: of the work.
        venue: where it appeared, without the year.
        year: four digits, or "".
        doi: without "doi:", or "".
        arxiv: without "arXiv:", or "".
        url: another address, or "".
    """

    key: str
    authors: tuple[str, ...]
    title: str
    venue: str
    year: str
    doi: str
    arxiv: str
    url: str

    def bibtex(self) -> str:
        """Return the BibTeX entry."""
        fields = {
            "author": " and ".join("others" if a == "et al." else f"{{{a}}}" if " " in a else a
                                   for a in self.authors),
            "title": f"{{{self.title}}}",
            "howpublished": self.venue,
            "year": self.year,
            "doi": self.doi,
            "eprint": self.arxiv,
            "archiveprefix": "arXiv" if self.arxiv else "",
            "url": self.url,
        }  # fmt: skip
        lines = [f"  {name} = {{{_escaped(name, text)}}}," for name, text in fields.items() if text]
        return "\n".join([f"@misc{{{self.key},", *lines, "}"])


def of_detector(spec: str) -> tuple[Reference, ...]:
    """Return the sources of a detector, of its model first and then of its head.

    Raises:
        ValueError, FileNotFoundError: as `detectors.spec.parse`.
    """
    parsed = parse(spec)
    entries = [(parsed.base, parsed.entry)]
    if parsed.head and parsed.head_entry:
        entries.append((parsed.head, parsed.head_entry))
    found = [r for base, entry in entries for r in _of_entry(base, entry)]
    return tuple(dict.fromkeys(found))


def of_dataset(name: str) -> tuple[Reference, ...]:
    """Return the sources that the card of a data set says to cite."""
    found = []
    for part in re.split(r";\s+", datasets.find(name).citation):
        match = _CARD.search(part)
        if match and (match["rest"] or "et al." in match["authors"]):
            found.append(_reference(match["authors"], match["title"], match["rest"] or ""))
    return tuple(found)


def bibtex(references: Iterable[Reference]) -> str:
    """Return a .bib file, in order of keys; of two tellings of one source, that of more authors."""
    by_key: dict[str, Reference] = {}
    for reference in sorted(references, key=lambda r: (len(r.authors), r.doi, r.arxiv)):
        by_key[reference.key] = reference
    return "\n".join(f"{by_key[key].bibtex()}\n" for key in sorted(by_key))


def _of_entry(base: str, entry: Entry) -> Sequence[Reference]:
    labelled = _in_docstring(str(source_file(entry.target)))
    names = {_plain(base), _plain(entry.target.rpartition(":")[2])}
    own = [reference for label, reference in labelled if label in names]
    return own or [reference for label, reference in labelled if not label]


@cache
def _in_docstring(path: str) -> tuple[tuple[str, Reference], ...]:
    """Return the sources in the docstring of a file's module, each with its class's name or ""."""
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    classes = {_plain(node.name) for node in tree.body if isinstance(node, ast.ClassDef)}
    text = ast.get_docstring(tree) or ""
    found, label = [], ""
    for match in _QUOTED.finditer(text):
        if match["label"] and _plain(match["label"]) in classes:
            label = _plain(match["label"])
        elif not text[: match.start()].rstrip().endswith(";"):
            label = ""
        found.append((label, _reference(match["authors"], match["title"], match["rest"])))
    return tuple(found)


def _reference(authors: str, title: str, rest: str) -> Reference:
    rest = " ".join(rest.split())
    names = _split(" ".join(authors.split()))
    title = " ".join(title.split())
    identifiers = re.findall(_IDENTIFIER, rest)
    venue = rest
    for identifier in identifiers:
        venue = venue.replace(identifier, "")
    venue = re.sub(r"[\s,.;]*\)?$", "", venue) if "(" not in venue else venue.strip(" ,.;")
    years = re.findall(r"\b(?:19|20)\d\d\b", f"{title} {venue}")
    year = years[-1] if years else ""
    venue = re.sub(rf"(?:^|,? ){year}$", "", venue) if year else venue

    def named(prefix: str) -> str:
        of_it = [i for i in identifiers if i.startswith(prefix)]
        return of_it[0].removeprefix(prefix) if of_it else ""

    addresses = [i for i in identifiers if i.startswith(("http", "openreview"))]
    url = addresses[0] if addresses else ""
    return Reference(
        key=_key(names[0], year, title),
        authors=names,
        title=title,
        venue=venue,
        year=year,
        doi=named("doi:"),
        arxiv=named("arXiv:"),
        url=f"https://{url}" if url.startswith("openreview") else url,
    )


def _split(authors: str) -> tuple[str, ...]:
    others = authors.endswith("et al.")
    names = re.split(r", and |, | and | & ", authors.removesuffix("et al.").rstrip(" ,"))
    return (*names, "et al.") if others else tuple(names)


def _key(author: str, year: str, title: str) -> str:
    """Return a key such as breunig2000lof; the surname is the last word of a name."""
    skipped = {"a", "an", "the", "on", "of", "for", "in", "to", "and", "with"}
    words = [w for w in re.findall(r"[a-z0-9]+", _ascii(title).lower()) if w not in skipped]
    return _plain(author.split()[-1]) + year + (words[0] if words else "")


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _ascii(text).lower())


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _escaped(name: str, text: str) -> str:
    """Return a field's text with what LaTeX reads as its own escaped; addresses as they are."""
    if name in ("doi", "eprint", "url", "archiveprefix"):
        return text
    return re.sub(r"([%&#_$])", r"\\\1", text)
