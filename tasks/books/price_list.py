"""The public price list that the package `genai-prices` brings along: what it was when it was installed, no network."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from reports.pricing.prices import ModelPrices, Reason, TokenPrices, Variant
from usage.errors import SettingsError
from usage.language.saying import say
from usage.names import ProviderName

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice

_PACKAGE: Final = "genai-prices"
_CONTEXTS: Final = (
    (Reason.BATCH, "batch", {"processing": "batch"}),
    (Reason.TIER, "flex", {"service_tier": "flex"}),
    (Reason.TIER, "priority", {"service_tier": "priority"}),
    (Reason.TIER, "fast", {"service_tier": "fast"}),
    (Reason.TIER, "fast", {"speed": "fast"}),
)
"""Ways of asking that have prices of their own, as the list names them."""
_CACHE: Final = ("cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok")
_MODALITIES: Final = ("audio", "image")


class PublicPrices:
    """The price list of `genai-prices`, as it was installed: it is neither updated nor asked for anywhere.

    Raises:
        SettingsError: The package is not installed.
    """

    def __init__(self) -> None:
        try:
            from genai_prices.data import providers  # noqa: PLC0415  # of an extra, and slow to import
            from genai_prices.data_snapshot import DataSnapshot  # noqa: PLC0415
        except ImportError:
            raise SettingsError(
                say(
                    "reconcile needs the price list of genai-prices, which is not installed: pip install "
                    "'llm-usage[prices]', or pip install genai-prices"
                )
            ) from None
        self._snapshot: DataSnapshot = DataSnapshot(providers=providers, from_auto_update=False)
        self._found: dict[tuple[ProviderName, str, date], ModelPrices | None] = {}

    @property
    def name(self) -> str:
        """See `PriceList`."""
        return f"{_PACKAGE} {version(_PACKAGE)}"

    def find(self, provider: ProviderName, model: str, day: date) -> ModelPrices | None:
        """See `PriceList`."""
        key = provider, model, day
        if key not in self._found:
            self._found[key] = self._look_up(provider, model, day)
        return self._found[key]

    def _look_up(self, provider: ProviderName, model: str, day: date) -> ModelPrices | None:
        try:
            _, info = self._snapshot.find_provider_model(model, None, provider.value, None)
        except LookupError:
            return None
        noon = datetime.combine(day, time(12), UTC)
        standard = _tokens(info.get_prices(noon))
        if standard == TokenPrices(None, None):
            return None
        return ModelPrices(info.id, standard, tuple(_variants(info, noon, standard)))


def _variants(info: ModelInfo, at: datetime, standard: TokenPrices) -> Iterator[Variant]:
    """All ways in which the model's tokens may cost something else than the standard price."""
    prices = info.get_prices(at)
    for name in _CACHE:
        yield from _another(Reason.CACHE, name, TokenPrices(_price(prices, name), standard.output), standard)
    for reason, name, context in _CONTEXTS:
        yield from _another(reason, name, _tokens(info.get_prices(at, context)), standard)
    yield from _another(Reason.LONG_CONTEXT, "long", _tokens(prices, largest=True), standard)
    for kind in _MODALITIES:
        sounds = TokenPrices(_price(prices, f"input_{kind}_mtok"), _price(prices, f"output_{kind}_mtok"))
        yield from _another(Reason.MODALITY, kind, sounds, standard)


def _another(reason: Reason, name: str, prices: TokenPrices, standard: TokenPrices) -> Iterator[Variant]:
    """A variant, where the list has any other price for it."""
    filled = TokenPrices(
        standard.input if prices.input is None else prices.input,
        standard.output if prices.output is None else prices.output,
    )
    if filled != standard:
        yield Variant(reason, name, filled)


def _tokens(prices: ModelPrice, *, largest: bool = False) -> TokenPrices:
    return TokenPrices(_price(prices, "input_mtok", largest=largest), _price(prices, "output_mtok", largest=largest))


def _price(prices: ModelPrice, name: str, *, largest: bool = False) -> Decimal | None:
    """A price for a million tokens, that of small requests or that of the largest; None where the list has none."""
    from genai_prices.types import TieredPrices  # noqa: PLC0415

    price = prices.__dict__.get(name)
    if isinstance(price, TieredPrices):
        return price.tiers[-1].price if largest and price.tiers else price.base
    return price if isinstance(price, Decimal) else None
