"""One thing to be told, in both languages: who reads it decides, not who finds it out."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from usage.language.choice import Language, of_the_reader

if TYPE_CHECKING:
    from pydantic_core import CoreSchema
    from pydantic_core.core_schema import SerializationInfo


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, or several, in English and in French. An empty one says nothing and is false.

    `usage.language.saying` makes them from the catalogue. Notion's cells, the terminal and Prefect's pages may each
    have a language of their own, so that what is to be told there stays a `Sentence` until it gets there.
    """

    en: str
    fr: str

    @classmethod
    def of(cls, text: str) -> Self:
        """What is the same in every language: a name, somebody else's words."""
        return cls(en=text, fr=text)

    def told_in(self, language: Language) -> str:
        """Its text in one language."""
        return self.fr if language is Language.FR else self.en

    def __str__(self) -> str:
        """Its text for whoever runs the program: by `LLM_USAGE_LANG`, else the locale."""
        return self.told_in(of_the_reader(os.environ))

    def __bool__(self) -> bool:
        return bool(self.en)

    @classmethod
    def _read(cls, value: Any) -> Self:
        if isinstance(value, cls):
            return value
        match value:
            case str():
                # Archives and Notion's cells hold plain text from before there were two languages.
                return cls.of(value)
            case {"en": str(en), "fr": str(fr)}:
                return cls(en=en, fr=fr)
        raise ValueError("a sentence in both languages was expected")

    def _write(self, info: SerializationInfo) -> str | dict[str, str]:
        return self.told_in(info.context) if isinstance(info.context, Language) else asdict(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """In pydantic models both languages are kept; `model_dump_json(context=language)` writes what people read."""
        # Errors are made of sentences and imported before all else, which pydantic would slow down.
        from pydantic_core import core_schema  # noqa: PLC0415

        return core_schema.no_info_plain_validator_function(
            cls._read, serialization=core_schema.plain_serializer_function_ser_schema(cls._write, info_arg=True)
        )


SILENCE: Final = Sentence(en="", fr="")
"""Nothing to be told."""
