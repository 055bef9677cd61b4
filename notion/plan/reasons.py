"""Why a row stays as it is, goes, or stands without its figures: one sentence for each reason.

Two steps have the same reason where their sentences are the same.
"""

from __future__ import annotations

from usage.language.saying import say
from usage.language.sentence import Sentence

# -- rows that stay


def somebodys() -> Sentence:
    """Another hand wrote the row."""
    return say("Written by a person or another program: llm-usage heal can take it over.")


def misdated() -> Sentence:
    """Title and `Mois` contradict each other."""
    return say("Its title and “Mois” tell two different months: correct one of them.")


def out_of_reach() -> Sentence:
    """No key that there is reaches the row's organisation."""
    return say("Of an organisation that no key sees: left as it is.")


def archived() -> Sentence:
    """Only the archive has the month by now."""
    return say("The provider does not have this month any more: left as it is.")


def read_later() -> Sentence:
    """Another run was faster."""
    return say("Read more recently by another collection.")


def written_later() -> Sentence:
    """Of a source's own row: another run was faster."""
    return say("A more recent collection wrote it.")


def fuller() -> Sentence:
    """The answer is the poorer one."""
    return say("The row that is there is fuller.")


def less_fine() -> Sentence:
    """The row stands for a finer grain than the answer does."""
    return say("The answer is less fine.")


def old_grain() -> Sentence:
    """The rows of the new grain would say less."""
    return say("Stays in the old grain.")


def taken_over() -> Sentence:
    """The answer is written, but for an amount that it does not have."""
    return say("Keeps an amount of an older and finer reading.")


def absent() -> Sentence:
    """The answer does not have the row, and is not whole."""
    return say("Not in an answer that does not prove it to be zero.")


def unproven() -> Sentence:
    """The month would lose figures without proof."""
    return say("Left as it is: that the month goes down is not proven.")


# -- rows that go


def double() -> Sentence:
    """An older row stands for the same."""
    return say("Double of another row: the oldest one is kept.")


def error_row() -> Sentence:
    """An older collector left it."""
    return say("Error row of an older collector.")


def replaced() -> Sentence:
    """Rows of the new grain tell its figures."""
    return say("Replaced by rows of another grain.")


# -- rows without their figures: what stands in their logs


def emptied() -> Sentence:
    """Rows of the new grain tell its figures, and people wrote in the row."""
    return say("Replaced by rows of another grain. Stays without figures for what you wrote in it.")


def vanished() -> Sentence:
    """A whole answer does not have the row any more."""
    return say("No longer in the provider’s whole answer: set to 0.")
