"""Rows grouped by what people wrote in a column of their own, so that the parts add up to the whole.

A row counts once, whatever its cell holds: one with two values counts under the pair, and not under each of the two,
nor with a half under each, which nobody has decided. Values are the same whatever their case, accents and order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from reports.ledger import LedgerRow, own_columns
from usage.errors import SettingsError
from usage.language.folding import folded
from usage.language.saying import say
from usage.money import exact_sum, whole_sum

BETWEEN: Final = " + "
"""Between the values of a row that has several."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that say the same in one column; `values` are empty where they say nothing."""

    values: tuple[str, ...]
    rows: tuple[LedgerRow, ...]

    @property
    def name(self) -> str:
        """`ACME`, or `ACME + Beta`; empty where the rows say nothing."""
        return BETWEEN.join(self.values)

    @property
    def cost(self) -> Decimal | None:
        """USD, exact; None where no row tells one."""
        return exact_sum(row.cost for row in self.rows)

    @property
    def tokens(self) -> int | None:
        """Read and written; None where no row tells them."""
        return whole_sum(count for row in self.rows for count in (row.tokens_input, row.tokens_output))

    @property
    def requests(self) -> int | None:
        """None where no row tells them."""
        return whole_sum(row.requests for row in self.rows)


@dataclass(frozen=True, slots=True)
class Grouping:
    """Rows by one column: dearest group first, and those that say nothing apart."""

    column: str
    groups: tuple[Group, ...]
    without: Group

    @property
    def cost(self) -> Decimal | None:
        """USD, exact, of all rows; None where no row tells one."""
        return exact_sum(group.cost for group in (*self.groups, self.without))

    def share(self, group: Group) -> Decimal | None:
        """See `share_of`."""
        return share_of(group.cost, spent(one.cost for one in (*self.groups, self.without)))


def spent(costs: Iterable[Decimal | None]) -> Decimal | None:
    """What was spent, USD, exact: all costs but credits, which are less than 0; None where there are none."""
    return exact_sum(cost for cost in costs if cost is None or cost >= 0)


def share_of(cost: Decimal | None, whole: Decimal | None) -> Decimal | None:
    """A cost's share of what was spent, from 0 to 1; None for a credit, and where it is unknown or nothing was spent.

    Of a whole that credits have made smaller, the parts would be more than all of it.
    """
    return None if cost is None or cost < 0 or not whole else cost / whole


def group_by(rows: Iterable[LedgerRow], column: str) -> Grouping:
    """Group rows.

    Args:
        rows: Of one month, or of several.
        column: A column of people's, by its exact name.
    """
    members: dict[Key, list[LedgerRow]] = {}
    spellings: dict[str, dict[str, int]] = {}
    for row in rows:
        values = [" ".join(value.split()) for value in row.values_of(column)]
        for value in filter(None, values):
            counts = spellings.setdefault(folded(value), {})
            counts[value] = counts.get(value, 0) + 1
        members.setdefault(tuple(sorted({folded(value) for value in values if value})), []).append(row)
    shown = {key: max(sorted(counts), key=counts.__getitem__) for key, counts in spellings.items()}
    without = Group((), tuple(members.pop((), ())))
    groups = [Group(tuple(shown[value] for value in key), tuple(found)) for key, found in members.items()]
    return Grouping(column, tuple(sorted(groups, key=_dearest_first)), without)


def find_column(rows: Iterable[LedgerRow], name: str) -> str | None:
    """The column that a person means, whatever its case and accents; None where no row has anything in such a one."""
    columns = own_columns(rows)
    return next(
        (one for one in columns if one == name), next((one for one in columns if folded(one) == folded(name)), None)
    )


def choose_columns(rows: Sequence[LedgerRow], wanted: Iterable[str], usual: Iterable[str]) -> tuple[str, ...]:
    """The columns to group by, as Notion writes their names, each once.

    Args:
        rows: What is to be grouped.
        wanted: Columns that a person asks for by name.
        usual: Columns to take where nobody asks for any, as far as anything stands in them.

    Raises:
        SettingsError: No row has anything in one that was asked for.
    """
    asked = {name: find_column(rows, name) for name in wanted}
    for name, column in asked.items():
        if column is None:
            others = ", ".join(own_columns(rows))
            raise SettingsError(
                say(
                    "--by {name}: no row has anything in a column of that name; filled: {others}",
                    name=name,
                    others=others,
                )
                if others
                else say("--by {name}: no row has anything in a column of that name, or in any of your own", name=name)
            )
    found = asked.values() if asked else (find_column(rows, name) for name in usual)
    return tuple(dict.fromkeys(name for name in found if name is not None))


def _dearest_first(group: Group) -> tuple[bool, Decimal, str]:
    return group.cost is None, (group.cost or Decimal(0)).copy_negate(), group.name
