"""Personal data: what is found, what only looks like it, and when Presidio is asked."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.filter import presidio
from contextd.filter.checksums import base58check, dea, iban, luhn, nhs
from contextd.filter.pii import PersonalData
from contextd.model.errors import BundleInvalid
from contextd.policy.rules import PiiAction, PiiRule

WORDS = {
    "PHONE_NUMBER": ("phone", "telephone", "tel", "mobile", "fax"),
    "US_BANK_NUMBER": ("bank account", "account number"),
    "US_PASSPORT": ("passport",),
    "US_DRIVER_LICENSE": ("driver license", "drivers license"),
    "UK_NHS": ("nhs",),
    "MEDICAL_LICENSE": ("dea",),
}
ENTITIES = (
    "EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "CRYPTO", "US_SSN", "US_ITIN", "IP_ADDRESS", *WORDS,
)  # fmt: skip
RULES = tuple(PiiRule(e, PiiAction.REDACT, n, context=WORDS.get(e, ())) for n, e in enumerate(ENTITIES))
FINDER = PersonalData(RULES, 2, "repo")


def digits(*parts: str) -> str:
    """Numbers are put together here, so that this file itself holds none."""
    return "".join(parts)


def with_check_digit(stem: str) -> str:
    return next(stem + d for d in "0123456789" if luhn(stem + d))


VISA = with_check_digit(digits("4539", "1488", "0343", "646"))
VISA_DASHED = "-".join((VISA[:4], VISA[4:8], VISA[8:12], VISA[12:]))
AMEX = with_check_digit(digits("3714", "4963", "5398", "43"))
SSN = digits("219-", "09-", "9998")
IBAN = next(
    f"DE{n:02}" + digits("3704", "0044", "0532", "0130", "00") for n in range(100) if iban(f"DE{n:02}" + "370400440532013000")
)
NHS = next(digits("943476", f"{n:04}") for n in range(10000) if nhs(f"943476{n:04}"))
DEA = next(digits("BB", "138856", d) for d in "0123456789" if dea("138856" + d))


def bitcoin() -> str:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    payload = b"\x00" + hashlib.sha256(b"planted").digest()[:20]
    raw = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, out = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        out = alphabet[rest] + out
    return "1" + out


def found(text: str, finder: PersonalData = FINDER) -> list[tuple[str, str]]:
    raw = text.encode()
    return [(hit.rule.entity, raw[hit.start : hit.end].decode()) for hit in finder.find(raw)]


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("mail jane.roe@corp-mail.com today", "EMAIL_ADDRESS", "jane.roe@corp-mail.com"),
        ("x='jane@corp-mail.co.uk'", "EMAIL_ADDRESS", "jane@corp-mail.co.uk"),
        ("f'jane@corp-mail.de'", "EMAIL_ADDRESS", "jane@corp-mail.de"),
        ("O'Brien: pat.o'brien@corp-mail.com.", "EMAIL_ADDRESS", "pat.o'brien@corp-mail.com"),
        ("<mailto:jane+x_1@mail.corp-mail.com>", "EMAIL_ADDRESS", "jane+x_1@mail.corp-mail.com"),
        ("mailto://jane@corp-mail.com", "EMAIL_ADDRESS", "jane@corp-mail.com"),
        ('{"body": "by\\njane@corp-mail.com"}', "EMAIL_ADDRESS", "jane@corp-mail.com"),
        ("邮箱jürgen@müller-gmbh.de。", "EMAIL_ADDRESS", "jürgen@müller-gmbh.de"),
        ("...jane@corp-mail.com...", "EMAIL_ADDRESS", "jane@corp-mail.com"),
        (f"card {VISA}", "CREDIT_CARD", VISA),
        (f'"pan": "{VISA_DASHED}"', "CREDIT_CARD", VISA_DASHED),
        (f"{AMEX[:4]} {AMEX[4:10]} {AMEX[10:]} ok", "CREDIT_CARD", f"{AMEX[:4]} {AMEX[4:10]} {AMEX[10:]}"),
        (f"{AMEX}.", "CREDIT_CARD", AMEX),
        (f"to {IBAN} by", "IBAN_CODE", IBAN),
        (f"IBAN {IBAN[:4]} {IBAN[4:8]} {IBAN[8:12]} {IBAN[12:16]} {IBAN[16:20]} {IBAN[20:]} AND MORE", "IBAN_CODE",
         f"{IBAN[:4]} {IBAN[4:8]} {IBAN[8:12]} {IBAN[12:16]} {IBAN[16:20]} {IBAN[20:]}"),
        (f"pay {bitcoin()}", "CRYPTO", bitcoin()),
        (f"it was {SSN},", "US_SSN", SSN),
        (f"SSN: {SSN.replace('-', '')}", "US_SSN", SSN.replace("-", "")),
        (f"social_security = '{SSN.replace('-', ' ')}'", "US_SSN", SSN.replace("-", " ")),
        ("itin " + digits("912-", "70-", "1234"), "US_ITIN", "912-70-1234"),
        ('"phoneNumber": "' + digits("+1 212-", "736-", "5000") + '"', "PHONE_NUMBER", "+1 212-736-5000"),
        ("customerPhone = '" + digits("(212) ", "736-", "5000") + "'", "PHONE_NUMBER", "(212) 736-5000"),
        ("Tel. " + digits("+49 30 ", "901820"), "PHONE_NUMBER", "+49 30 901820"),
        ("bank account " + digits("12345", "6789012"), "US_BANK_NUMBER", "123456789012"),
        ("account_number: " + digits("87654", "321"), "US_BANK_NUMBER", "87654321"),
        ("Passport no. " + digits("9123", "45678"), "US_PASSPORT", "912345678"),
        ("driver's license " + digits("D", "1234", "567"), "US_DRIVER_LICENSE", "D1234567"),
        (f"NHS number {NHS[:3]} {NHS[3:6]} {NHS[6:]}", "UK_NHS", f"{NHS[:3]} {NHS[3:6]} {NHS[6:]}"),
        (f"DEA {DEA}", "MEDICAL_LICENSE", DEA),
        ("client 203.0.113.77 connected", "IP_ADDRESS", "203.0.113.77"),
        ("from 2001:db8::8a2e:370:7334 on", "IP_ADDRESS", "2001:db8::8a2e:370:7334"),
    ],
)  # fmt: skip
def test_personal_data_is_found_to_the_character(text: str, entity: str, value: str) -> None:
    assert (entity, value) in found(text)
    assert all(hit[1] == value for hit in found(text) if hit[0] == entity)


@pytest.mark.parametrize(
    "text",
    [
        "git clone git@github.com:org/repo.git",
        "rsync -a deploy@build.corp-mail.com:/srv/www .",
        "remote = ssh://git@git.corp-mail.com/org/repo",
        "https://jane@git.corp-mail.com/x",
        "postgres://app:pw@db.corp-mail.com/x",
        "jane@build.corp-mail.com:8080",
        "user:word@www.corp-mail.com",
        "Message-ID: <4fd05f05-f98b-44dc-8111-c6009c925f0c@corp-mail.com>",
        "ssh root@localhost",
        "ssh admin@db-1",
        "@app.route('/x')",
        "import x from '@scope/pkg'",
        "npm install left-pad@1.3.0 react@next",
        "uses: actions/checkout@v4.1.7",
        "systemctl start getty@tty1.service",
        "![](icon@2x.png)",
        "y = A@x.to(device)",
        "y = w@b.T + c",
        "this@Outer.name",
        "noreply@corp-mail.com and no-reply@corp-mail.com",
        "jane@corp-mail.invalid jane@thing.local jane@x.test",
        "a@b",
        "@",
        "user@.com user@-.com",
        f"0.{VISA}",
        f"{VISA}1",
        f"id_{VISA}",
        f"x-{VISA}",
        f"{VISA}-77",
        VISA[:-1] + str((int(VISA[-1]) + 1) % 10),
        "1700000000000000",
        f"{VISA[:3]} {VISA[3:9]} {VISA[9:]}",
        f"{VISA[:4]}-{VISA[4:8]} {VISA[8:12]}-{VISA[12:]}",
        f"table 527D {VISA_DASHED.replace('-', ' ')}",
        f"{VISA_DASHED.replace('-', ' ')} 5282",
        "version 219.09.9998",
        "219 09 9998 and 219099998",
        digits("000-", "12-", "3456") + " " + digits("666-", "12-", "3456") + " " + digits("219-", "00-", "9998"),
        "part 1219-09-9998 and 219-09-99981",
        "GB00 WEST 1234 5698 7654 32",
        "const PHONE_LENGTH = 12; phone[3]",
        "commit 1a79a4d60de6718e8e5b326e338ae533",
        "number 2127365000",
        "account_id 12345678\npassport\n912345678",
        "passport\r\n912345678\r\npassport",
        "passport.js v0.6.0 uses 9 strategies",
        "check the account 12",
        "order 123456789012",
        "serial D1234567",
        f"{NHS}",
        f"{DEA}",
        "127.0.0.1 0.0.0.0 ::1 300.1.1.1 1.2.3.4.5 v10.1.2.3",
        "12:30:45 and a::b std::vector",
        "Apache License, Version 2.0",
        "2024-01-02 10:11:12 +0100",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_the_first_rule_that_fits_tier_and_content_decides() -> None:
    rules = (
        PiiRule("EMAIL_ADDRESS", PiiAction.KEEP, 1, tiers=(1,)),
        PiiRule("EMAIL_ADDRESS", PiiAction.EXCLUDE, 2, contents=("tickets",)),
        PiiRule("EMAIL_ADDRESS", PiiAction.REDACT, 3),
    )
    text = b"jane@corp-mail.com"
    actions = [[hit.rule.line for hit in PersonalData(rules, tier, content).find(text)] for tier, content in
               ((1, "tickets"), (2, "tickets"), (2, "repo"))]  # fmt: skip
    assert actions == [[], [2], [3]]


def test_allowed_domains_cover_those_under_them_and_no_others() -> None:
    finder = PersonalData(
        (PiiRule("EMAIL_ADDRESS", PiiAction.REDACT, 1, allow_domains=("corp-mail.com", "*.gov.uk")),), 1, "repo"
    )
    text = "a@corp-mail.com b@x.CORP-mail.com c@notcorp-mail.com d@hm.gov.uk e@corp-mail.com.de"
    assert [value for _, value in found(text, finder)] == ["c@notcorp-mail.com", "e@corp-mail.com.de"]


def test_a_context_word_of_the_policy_must_stand_near() -> None:
    finder = PersonalData((PiiRule("EMAIL_ADDRESS", PiiAction.REDACT, 1, context=("customer",)),), 1, "repo")
    assert found("author jane@corp-mail.com", finder) == []
    assert found("customers: jane@corp-mail.com", finder) != []
    assert found("customer" + " " * 200 + "jane@corp-mail.com", finder) == []
    assert found("customer\njane@corp-mail.com", finder) == []


def test_without_words_in_the_policy_a_bare_number_still_needs_one() -> None:
    finder = PersonalData(
        (PiiRule("US_BANK_NUMBER", PiiAction.REDACT, 1), PiiRule("PHONE_NUMBER", PiiAction.REDACT, 2)), 1, "repo"
    )
    assert found("order 123456789012", finder) == []
    assert ("US_BANK_NUMBER", "123456789012") in found("bank account 123456789012", finder)
    assert ("PHONE_NUMBER", "+1 212-736-5000") in found("ring +1 212-736-5000", finder)


def test_the_score_decides() -> None:
    strict = PersonalData((PiiRule("US_SSN", PiiAction.REDACT, 1, min_score=0.8),), 1, "repo")
    assert found(f"it was {SSN}", strict) == []
    assert found(f"ssn {SSN}", strict) != []


@pytest.mark.parametrize("entity", ["PERSON", "URL", "DATE_TIME"])
def test_an_entity_that_needs_a_model_is_refused_unless_kept(entity: str) -> None:
    with pytest.raises(BundleInvalid, match=f"pii.yaml:7: {entity} is not recognized"):
        PersonalData((PiiRule(entity, PiiAction.REDACT, 7),), 1, "repo")
    assert PersonalData((PiiRule(entity, PiiAction.KEEP, 7),), 1, "repo").find(b"Jane Roe") == []


def test_a_value_in_a_very_long_line_is_found_where_it_stands() -> None:
    text = "\u6f22" * 5000 + f" jane@corp-mail.com ssn {SSN} " + "\u00e9" * 5000
    assert [value for _, value in found(text)] == ["jane@corp-mail.com", SSN]


def test_a_list_of_thousands_is_found_whole_and_in_time() -> None:
    lines = [f"phone +1 212-736-{n:04}" for n in range(4000)]
    hits = FINDER.find("\n".join(lines).encode())
    assert len(hits) == 4000


def test_bytes_that_are_no_text_are_searched_as_well() -> None:
    raw = b"\xff\xfe jane@corp-mail.com \xff ssn " + SSN.encode() + b" \x80"
    assert [raw[h.start : h.end] for h in FINDER.find(raw)] == [b"jane@corp-mail.com", SSN.encode()]


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=120), st.text(alphabet="0123456789 -@.:abcDEphonessn+\n(é", max_size=120).map(str.encode)))
def test_any_bytes_are_searched_and_hits_lie_within(raw: bytes) -> None:
    hits = FINDER.find(raw)
    assert all(0 <= hit.start < hit.end <= len(raw) for hit in hits)
    assert hits == FINDER.find(raw)


def test_presidio_is_loaded_for_a_candidate_and_not_before() -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from contextd.filter.pii import PersonalData\n"
        "from contextd.policy.boundaryfile import read_pii\n"
        "from contextd.yamlfile import load\n"
        "rules = read_pii(load(Path(sys.argv[2]).read_bytes(), 'pii.yaml'), (3, 4))\n"
        "PersonalData(rules, 3, 'repo').find(sys.argv[1].encode())\n"
        "print('presidio_analyzer' in sys.modules, 'spacy' in sys.modules)\n"
    )
    quiet = "git@github.com:a/b me@example.org noreply@x.com pkg@1.2.3 phone: none"
    quiet += f"\n{VISA[:-1]}{(int(VISA[-1]) + 1) % 10}\ndriver license 12 @app.route 10.0.0.1 000-12-3456 666-12-3456"
    shipped = Path(__file__).parents[2] / "boundaries" / "pii.yaml"
    for text, expected in ((quiet, "False False"), ("jane@corp-mail.com", "True True")):
        done = subprocess.run([sys.executable, "-c", script, text, str(shipped)], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected


def test_suffixes_are_looked_up_without_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    for name in ("tldextract.extract", "socket.socket.connect", "socket.getaddrinfo"):
        monkeypatch.setattr(name, lambda *arguments, **_keywords: asked.append(arguments))
    assert found("mail first.seen@only-here-once.co.uk") == [("EMAIL_ADDRESS", "first.seen@only-here-once.co.uk")]
    assert found("mail first.seen@only-here-once.thing") == []
    assert asked == []


def test_context_counts_by_whole_words() -> None:
    def score(text: str, *words: str) -> list[float]:
        return [round(found.score, 2) for found in presidio.recognize("US_BANK_NUMBER", text, words)]

    assert score("checksum 123456789012") == [0.05]
    assert score("check 123456789012") == [0.4]
    assert score("accountNumber = 123456789012") == [0.4]
    assert score("checksum 123456789012", "bank") == [0.4]


def test_what_a_recognizer_says_of_the_text_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    found(f"{IBAN} {IBAN.lower()} jane@corp-mail.com {VISA}")
    assert IBAN not in caplog.text
    assert VISA not in caplog.text
    assert "jane" not in caplog.text


def test_a_recognizer_that_fails_lets_nothing_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise ValueError("hostile")

    found(SSN)
    monkeypatch.setattr(presidio._load().recognizers["US_SSN"], "analyze", fail)
    assert found(f"not seen before {SSN}") == [("US_SSN", SSN)]


@settings(deadline=None)
@given(st.text(alphabet="0123456789", min_size=2, max_size=19))
def test_luhn_is_that_of_the_standard(number: str) -> None:
    doubled = [int(d) if n % 2 == 0 else int(d) * 2 for n, d in enumerate(reversed(number))]
    assert luhn(number) == (sum(d // 10 + d % 10 for d in doubled) % 10 == 0)


def test_check_digits_catch_every_single_changed_digit() -> None:
    for good, check in ((VISA, luhn), (NHS, nhs)):
        assert check(good)
        for place in range(len(good)):
            for digit in "0123456789".replace(good[place], ""):
                changed = good[:place] + digit + good[place + 1 :]
                assert not check(changed), changed
    assert iban(IBAN)
    assert not iban(IBAN[:-1] + str((int(IBAN[-1]) + 1) % 10))
    assert not iban(IBAN + "0")
    assert dea(DEA[2:])
    assert not dea(DEA[2:-1] + str((int(DEA[-1]) + 1) % 10))
    assert base58check(bitcoin().encode())
    assert not base58check(b"1" + bitcoin().encode()[2:])
    assert not base58check(b"0" + bitcoin().encode()[1:])
    assert not base58check(b"z" * 40)
