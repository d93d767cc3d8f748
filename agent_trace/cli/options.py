"""Options that several commands share, and the values that people type for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from agent_trace.display import moments
from agent_trace.observation import LEVELS, OBSERVATION_TYPES

F = TypeVar("F", bound=Callable[..., Any])


def reading(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    """A click type: text is read by `read`, whose ValueError is what the user is told."""

    def convert(value: Any) -> Any:
        try:
            return read(value) if isinstance(value, str) else value
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return convert


MOMENT = reading(moments.moment_ns)
AGE = reading(moments.seconds)
DURATION = reading(moments.duration_s)
SIZE = reading(moments.size_bytes)
MONEY = reading(moments.dollars)


def store(command: F) -> F:
    """`--store DIR`: another store than the project's."""
    return click.option(
        "--store",
        "directory",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Use the store in DIR instead of the project's.",
    )(command)


def as_json(command: F) -> F:
    """`--json`: for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def limit(default: int | None) -> Callable[[F], F]:
    """`--limit N`: no more than so many."""
    return click.option(
        "--limit",
        type=click.IntRange(1, 2**53),
        default=default,
        metavar="N",
        help="No more than N." + (f" [default: {default}]" if default else ""),
    )


def filters(command: F) -> F:
    """One option for each field of a Filter. `chosen` below makes the Filter of them."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


_FILTERS = (
    click.option("--agent", metavar="NAME", help="Only this agent, by id or name."),
    click.option("--tenant", metavar="ID", help="Only this tenant."),
    click.option("--session", metavar="ID", help="Only this session."),
    click.option("--user", metavar="ID", help="Only this user."),
    click.option(
        "--type",
        "type_",
        type=click.Choice(OBSERVATION_TYPES),
        metavar="TYPE",
        help="Only this type, as `generation`.",
    ),
    click.option(
        "--level",
        type=click.Choice(LEVELS, case_sensitive=False),
        metavar="LEVEL",
        help="Only this level: DEFAULT, WARNING or ERROR.",
    ),
    click.option("--name", metavar="NAME", help="Only observations of this name."),
    click.option("--model", metavar="NAME", help="Only this model."),
    click.option("--tag", metavar="TAG", help="Only with this tag."),
    click.option("--signal", metavar="ACTION", help="Only with this signal, such as BUY."),
    click.option(
        "--since", type=MOMENT, metavar="TIME", help="Started since: 2h, 3d, yesterday, 2026-11-22."
    ),
    click.option("--until", type=MOMENT, metavar="TIME", help="Started before that time."),
    click.option("--min-cost", type=MONEY, metavar="USD", help="Cost at least so many US dollars."),
    click.option(
        "--min-duration", type=DURATION, metavar="SPAN", help="Took at least so long: 2, 500ms, 3m."
    ),
)


def chosen(values: dict[str, Any]) -> Any:
    """The Filter that the options of `filters` ask for."""
    from agent_trace.store.filter import Filter

    return Filter(
        agent=values["agent"],
        tenant=values["tenant"],
        session=values["session"],
        user=values["user"],
        type=values["type_"],
        level=values["level"],
        name=values["name"],
        model=values["model"],
        tag=values["tag"],
        signal=values["signal"],
        since_ns=values["since"],
        until_ns=values["until"],
        min_cost=values["min_cost"],
        min_duration_s=values["min_duration"],
    )
