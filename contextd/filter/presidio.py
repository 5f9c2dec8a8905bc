"""Presidio's own recognizers, one at a time, without a model and without the network.

Importing Presidio takes more than a second, so that it happens at the first call and only then. ``AnalyzerEngine`` is not used
(it wants a language model); context words count through Presidio's own enhancer, for which lower-cased tokens stand in for
lemmas, whole words only. The e-mail recognizer's lookup of public suffixes is replaced by one on the list that ships with
tldextract: the default one downloads.
"""

from __future__ import annotations

import logging
import re
import warnings
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

_CERTAIN = 1.0
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|\S")

RECOGNIZERS = {
    "EMAIL_ADDRESS": "EmailRecognizer",
    "CREDIT_CARD": "CreditCardRecognizer",
    "IBAN_CODE": "IbanRecognizer",
    "CRYPTO": "CryptoRecognizer",
    "IP_ADDRESS": "IpRecognizer",
    "PHONE_NUMBER": "PhoneRecognizer",
    "US_SSN": "UsSsnRecognizer",
    "US_ITIN": "UsItinRecognizer",
    "US_BANK_NUMBER": "UsBankRecognizer",
    "US_PASSPORT": "UsPassportRecognizer",
    "US_DRIVER_LICENSE": "UsLicenseRecognizer",
    "UK_NHS": "NhsRecognizer",
    "MEDICAL_LICENSE": "MedicalLicenseRecognizer",
}
"""Entities that are recognized without a model, and Presidio's class for each."""


@dataclass(frozen=True, slots=True)
class Recognized:
    """Characters ``start:end`` of a line and Presidio's score, 0 to 1, after context words."""

    start: int
    end: int
    score: float


@lru_cache(maxsize=8192)
def recognize(entity: str, text: str, words: tuple[str, ...]) -> tuple[Recognized, ...]:
    """Ask the recognizer of ``entity`` about a line.

    Args:
        entity: one of ``RECOGNIZERS``.
        text: a line, or the part of it around a candidate.
        words: further context words, known to stand near.

    Returns:
        What it found, in order; all of the text where the recognizer failed on it.
    """
    loaded = _load()
    recognizer = loaded.recognizers[entity]
    try:
        results = recognizer.analyze(text, [entity])
        if any(result.score < _CERTAIN for result in results):
            results = loaded.enhancer.enhance_using_context(text, results, loaded.artifacts(text), [recognizer], list(words))
    except Exception:  # noqa: BLE001 - whatever hostile text does to a recognizer, it must neither stop a crawl nor pass unseen
        return (Recognized(0, len(text), 1.0),)
    return tuple(sorted((Recognized(r.start, r.end, r.score) for r in results), key=lambda r: (r.start, r.end)))


class _Words:
    """What Presidio asks of a language: no stop-words; anything without a letter or digit is punctuation."""

    @staticmethod
    def is_stopword(_word: str, _language: str) -> bool:
        return False

    @staticmethod
    def is_punct(word: str, _language: str) -> bool:
        return not any(char.isalnum() for char in word)


@dataclass(frozen=True, slots=True)
class _Loaded:
    recognizers: dict[str, Any]
    enhancer: Any
    new_artifacts: Any

    def artifacts(self, text: str) -> Any:  # noqa: ANN401 - Presidio has no types
        tokens = list(_TOKEN.finditer(text))
        words = [token[0] for token in tokens]
        return self.new_artifacts(
            [], words, [token.start() for token in tokens], [word.lower() for word in words], _Words, "en"
        )


@cache
def _load() -> _Loaded:
    # Its warnings quote the text that it looked at.
    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of its dependencies are not ours to mend
        import presidio_analyzer.predefined_recognizers as predefined  # noqa: PLC0415 - costs more than a second
        import tldextract  # noqa: PLC0415 - comes with Presidio
        from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer  # noqa: PLC0415 - likewise
        from presidio_analyzer.nlp_engine import NlpArtifacts  # noqa: PLC0415 - likewise

        recognizers = {entity: getattr(predefined, name)() for entity, name in RECOGNIZERS.items()}
    suffixes = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
    recognizers["EMAIL_ADDRESS"].validate_result = lambda address: suffixes(address).fqdn != ""
    return _Loaded(recognizers, LemmaContextAwareEnhancer(context_matching_mode="whole_word"), NlpArtifacts)
