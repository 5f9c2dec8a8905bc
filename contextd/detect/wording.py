"""What a text means by a name: a claim about the present, or history, an example, a plan, somebody else's project.

The lists are of English words. They were drawn from the kinds of false alarms that dead-reference checkers are known for; each
errs towards silence, since a detector that is wrong is switched off.
"""

from __future__ import annotations

import re
from typing import Final

_RECORD_NAME = re.compile(
    r"(?:change(?:s|log)?|history|news|releases?|release[-_]?notes?|what'?s?[-_]?new|upgrad(?:e|ing)|migrat(?:e|ing|ion)|breaking|"
    r"roadmap|todo|postmortem|v?\d+(?:[._-]\d+)+)(?:[-_. ]|$)|\d{4}[-_]\d{2}",
    re.IGNORECASE,
)
_RECORD_FOLDERS_WORDS: Final = (
    "adr adrs archive archived blog changelog changelogs changes decisions incidents keps minutes news newsfragments posts "
    "postmortems proposals release-notes release_notes releasenotes releases rfc rfcs whatsnew _posts .changeset .changes"
)
_RECORD_FOLDERS: Final = frozenset(_RECORD_FOLDERS_WORDS.split())
_SAMPLE_FOLDERS_WORDS: Final = (
    "__fixtures__ __snapshots__ __tests__ cookiecutters fixture fixtures generators golden scaffold scaffolding skel "
    "skeleton snapshots template templates test test-data test_data testdata tests testing"
)
_SAMPLE_FOLDERS: Final = frozenset(_SAMPLE_FOLDERS_WORDS.split())
_ABOUT_ITS_FOLDER = re.compile(r"(?:readme|agents|claude|contributing)\b", re.IGNORECASE)


def is_record(path: str) -> bool:
    """Whether a document tells what was, or will be: change logs, news, decisions, proposals, dated notes, upgrade guides."""
    folders, _, name = path.rpartition("/")
    return bool(_RECORD_NAME.match(name)) or not _RECORD_FOLDERS.isdisjoint(folders.lower().split("/"))


def is_sample(path: str) -> bool:
    """Whether a document is itself material: the input of a test, a template, what a generator writes.

    A README or guide for agents that stands in a folder of tests speaks of that folder and is none.
    """
    folders, _, name = path.lower().rpartition("/")
    parts = folders.split("/")
    about = bool(_ABOUT_ITS_FOLDER.match(name))
    if about and parts[-1] in {"test", "tests", "testing", "__tests__"}:
        parts = parts[:-1]
    if not about and not {"example", "examples", "transcripts"}.isdisjoint(parts):
        return True
    return not _SAMPLE_FOLDERS.isdisjoint(parts) or ".tmpl" in name or "template" in name or "{{" in path


_RECORD_HEADING = re.compile(
    r"change ?log|changes|history|release|what'?s new|migrat|upgrad|deprecat|breaking|roadmap|\btodo\b|future|\bplan|removed|"
    r"obsolete|legacy|\[?v?\d+\.\d+|\d{4}-\d{2}-\d{2}|unreleased|motivation|background|alternatives",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:remov(?:ed|es|al|ing)|delet(?:ed|es|ing|ion)|deprecat\w+|obsolete\w*|former(?:ly)?|previous(?:ly)?|used to|"
    r"renam\w+|mov(?:ed|ing)|replac(?:ed|es|ing|ement)|supersed\w+|legacy|no longer|dropped|migrat\w+|originally|historic\w*|"
    r"was (?:in|at|called|named|the|a|once)|were (?:in|at|called)|had been|has been|have been|instead of|in favou?r of|old|"
    r"older|prior to|back when|there (?:is|are) no|no such|not yet|isn't|without a|(?:does|did|do)(?:n't| not) exist)\b|"
    r"→|->|=>|⇒|&rarr;|~~",
    re.IGNORECASE,
)
_TAKES_AWAY = re.compile(
    r"\b(?:remove|delete|drop|replace) (?:the |any |this )?(?:file |folder |directory |script )?\Z", re.IGNORECASE
)
_MAKES = re.compile(
    r"\b(?:creat(?:e|es|ed|ing)|generat(?:e|es|ed|ing)|produc(?:e|es|ed|ing)|outputs?|wr(?:ite|ites|iting)|sav(?:e|es|ed|ing)|"
    r"emits?|downloads?|download(?:ed|ing)|cop(?:y|ies|ied|ying)|adds? an?|adding an?|make an?|call it|named?|called)\b"
    r"[^.;]*(?<!\bfrom )(?<!\bby )(?<!\busing )(?<!\bwith )(?<!\bvia )(?<!\bin )(?<!\bof )(?<!\bin the )\Z|"
    r"\b(?:written|saved|output|installed|built|compiled|copied|rendered) (?:to|in|into|as)\b[^.;]*\Z",
    re.IGNORECASE,
)
_IS_MADE = re.compile(
    r"\A[^.;`]{0,20}\b(?:is|are|will be|would be|gets?|can be|should be) (?:\w+ )?(?:generated|created|written|ignored|"
    r"gitignored|git-ignored|produced|added|downloaded|saved|not committed|optional)\b",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(r"\b(?:e\.?g\b\.?|for (?:example|instance)|such as)[^.;]*\Z", re.IGNORECASE)
_READERS = re.compile(
    r"\b(?:suppose|imagine|let'?s say|say you)[^.;]*\Z|"
    r"\b(?:your|their|my|user'?s|someone'?s|another|other|any) (?:own )?(?:\w+ )?\Z|"
    r"\b(?:a|an|some|each|every) (?:\w+ )?\Z",
    re.IGNORECASE,
)
_STAND_IN = re.compile(
    r"(?:^|[/_.-])(?:foo|bar|baz|qux|quux|foobar|my|your|mine|yours|dummy|xxx+|acme|lorem|abc|xyz|whatever|placeholder|path/to)"
    r"(?=[/_.-]|$)|(?:^|/)(?:my|your)[A-Z]|(?:^|/)(?:some|any)[-_]",
    re.IGNORECASE,
)


def speaks_of_the_past(before: str, after: str) -> bool:
    """Whether the words around a name announce that it is gone, moved or not there, or draw an arrow from old to new."""
    return bool(_PAST.search(before) or _PAST.search(after) or _TAKES_AWAY.search(before))


def speaks_of_the_made(before: str, after: str) -> bool:
    """Whether the words around a name say that it is written, copied or planned rather than kept in the repository."""
    return bool(_MAKES.search(before) or _IS_MADE.match(after))


def introduces_an_example(before: str) -> bool:
    """Whether the words before a name introduce it as one of several (``such as``)."""
    return bool(_EXAMPLE.search(before))


def is_the_readers(before: str) -> bool:
    """Whether the words before a name make it the reader's own, or one of a kind (``your``, ``a``, ``suppose``)."""
    return bool(_READERS.search(before))


def is_stand_in(path: str) -> bool:
    """Whether a path is made of the names that examples are made of (``foo/bar.py``, ``path/to/x``, ``my_app/``)."""
    return bool(_STAND_IN.search(path))


def is_record_heading(title: str) -> bool:
    """Whether a section tells of changes, plans or reasons rather than of what is."""
    return bool(_RECORD_HEADING.search(title))


_CONVENTIONAL_WORDS: Final = (
    ".babelrc .bashrc .editorconfig .env .eslintrc .eslintrc.json .eslintrc.js .gitignore .gitlab-ci.yml .npmrc .nvmrc "
    ".pre-commit-config.yaml .prettierrc .travis.yml .zshrc __init__.py __main__.py app.js app.py app.ts build.gradle "
    "build.rs build.sbt build.xml cargo.lock cargo.toml cmakelists.txt composer.json conanfile.py config.js config.json "
    "config.py config.toml config.yaml config.yml conftest.py default.yaml docker-compose.yaml docker-compose.yml "
    "dockerfile environment.yml gemfile go.mod go.sum index.css index.html index.js index.ts index.tsx jenkinsfile "
    "jest.config.js justfile lib.rs main.c main.go main.js main.py main.rs main.ts makefile manage.py manifest.in "
    "manifest.json mkdocs.yml mod.rs package-lock.json package.json pnpm-lock.yaml poetry.lock pom.xml procfile "
    "pyproject.toml pytest.ini rakefile requirements.txt requirements-dev.txt rollup.config.js server.js server.py "
    "settings.json settings.py setup.cfg setup.py tox.ini tsconfig.json tslint.json uv.lock values.yaml vite.config.js "
    "vite.config.ts webpack.config.js yarn.lock"
)
_CONVENTIONAL_FOLDERS: Final = frozenset({"app", "config", "lib", "public", "src", "test", "tests"})
_CONVENTIONAL: Final = frozenset(_CONVENTIONAL_WORDS.split())


def is_conventional(path: str) -> bool:
    """Whether any project of its ecosystem may have such a path (``setup.py``, ``src/main.rs``), so also the reader's."""
    folder, _, name = path.removeprefix("./").strip("/").lower().rpartition("/")
    return name in _CONVENTIONAL and (not folder or folder in _CONVENTIONAL_FOLDERS)
