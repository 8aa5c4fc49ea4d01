"""Help in groups: commands by purpose, options by what they set.

The boxes that typer draws around groups leave half of the width to the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption


class Command(TyperCommand):
    """A command with its options in groups; the text of an option states its default.

    An option that takes one value may be given once; typer would keep the last one in silence.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for each, n in Counter(given).items():
            option: Any = each
            if n > 1 and isinstance(each, TyperOption) and not (option.multiple or option.is_flag):
                ctx.fail(f"{option.opts[0]} is given {n} times, and takes one value")
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        rows = []
        for each in self.get_params(ctx):
            known: Any = each
            if isinstance(known, TyperArgument):
                rows.append(("Arguments", str(known.metavar), str(known.help)))
            else:
                name, _ = known.get_help_record(ctx)
                rows.append((known.rich_help_panel or "Other", name, str(known.help)))
        _write(formatter, rows)


class Group(TyperGroup):
    """Commands in groups, each on one line, and the options of the program below them."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        rows = [
            (command.rich_help_panel, name, command.get_short_help_str(formatter.width))
            for name, command in _commands(self)
        ]
        _write(formatter, rows)
        if not ctx.parent:
            texts = (each.get_help_record(ctx) for each in self.get_params(ctx))
            _write(formatter, [("Options", *record) for record in texts if record])


def _commands(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield commands with their full names, those of groups within the group included."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _write(formatter: Any, rows: Sequence[tuple[str, str, str]]) -> None:
    """Write rows of group, name and text, group by group in order of first appearance."""
    size = max(len(name) for _, name, _ in rows)
    groups: dict[str, list[tuple[str, str]]] = {}
    for title, name, text in rows:
        groups.setdefault(title, []).append((name.ljust(size), text))
    for title, group in groups.items():
        with formatter.section(title):
            formatter.write_dl(group)
