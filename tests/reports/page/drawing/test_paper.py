"""What all charts share: columns stand on each other, and credits hang below the line."""

from __future__ import annotations

from decimal import Decimal

from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from reports.page.drawing.paper import stacks
from usage.names import ProviderName

OPENAI, ANTHROPIC, DEEPGRAM = ProviderName.OPENAI, ProviderName.ANTHROPIC, ProviderName.DEEPGRAM


def test_amounts_stand_on_each_other_and_credits_hang_below() -> None:
    axes = Figure().add_axes((0, 0, 1, 1))
    columns = [
        {OPENAI: Decimal(3), ANTHROPIC: Decimal(-1), DEEPGRAM: Decimal(2)},
        {OPENAI: Decimal(-4), ANTHROPIC: Decimal(-1), DEEPGRAM: Decimal(0)},
    ]
    stacks(axes, [1, 5], 0.5, columns, "#ffffff")
    drawn = sorted(
        tuple(float(edge) for edge in path.get_extents().extents)
        for one in axes.collections
        if isinstance(one, PolyCollection)
        for path in one.get_paths()
    )
    # Left, foot, right, top.
    assert drawn == [
        (0.75, -1, 1.25, 0),
        (0.75, 0, 1.25, 3),
        (0.75, 3, 1.25, 5),
        (4.75, -5, 5.25, -4),
        (4.75, -4, 5.25, 0),
    ]
