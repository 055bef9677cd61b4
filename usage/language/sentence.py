"""One thing to be told, in both languages: who reads it decides, not who finds it out."""

from __future__ import annotations

import os
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from usage.language.choice import Language, of_the_reader


class Sentence(BaseModel):
    """A sentence, or several, in English and in French. An empty one says nothing and is false.

    `usage.language.saying` makes them from the catalogue. Notion's cells, the terminal and Prefect's pages may each
    have a language of their own, so that what is to be told there stays a `Sentence` until it gets there.
    """

    model_config = ConfigDict(frozen=True)

    en: str
    fr: str

    @classmethod
    def of(cls, text: str) -> Self:
        """What is the same in every language: a name, somebody else's words."""
        return cls(en=text, fr=text)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        # Archives and Notion's cells hold plain text from before there were two languages.
        return {"en": value, "fr": value} if isinstance(value, str) else value

    @model_serializer(mode="wrap")
    def _in_both_or_one(self, both: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        # `model_dump_json(context=language)` writes what people are to read; else both languages are kept.
        return self.told_in(info.context) if isinstance(info.context, Language) else both(self)

    def told_in(self, language: Language) -> str:
        """Its text in one language."""
        return self.fr if language is Language.FR else self.en

    def __str__(self) -> str:
        """Its text for whoever runs the program: by `LLM_USAGE_LANG`, else the locale."""
        return self.told_in(of_the_reader(os.environ))

    def __bool__(self) -> bool:
        return bool(self.en)


SILENCE = Sentence(en="", fr="")
"""Nothing to be told."""
