"""Cards of sets as they are before their files have been seen."""

from dataclasses import fields

from datasets import Card, find
from datasets.record import About


def open_card(name):
    """Return the card of a set with no sizes pinned, so that small files fit it."""
    about = find(name)
    shared = {field.name: getattr(about, field.name) for field in fields(About)}
    return Card(**shared, sha256="0" * 64, from_files=True)
