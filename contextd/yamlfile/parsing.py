"""Strict parsing: from bytes to nodes, over PyYAML's event stream and without recursion."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from contextd.yamlfile.node import ABSENT, Absent, Node

MAX_BYTES = 1 << 20
MAX_DEPTH = 32

_NULLS = frozenset({"", "~", "null"})


class _Stop(Exception):
    """Nothing after this place can be read."""


class _Builder:
    """Makes nodes of the events of one document, without recursion, noting what strict YAML does not have."""

    def __init__(self, file: str, problems: list[str]) -> None:
        self.file, self.problems = file, problems
        self.open: list[tuple[Node, dict[str, Node] | list[Node]]] = []
        self.keys: list[tuple[str, int] | None] = []
        self.root: Node | None = None

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        """Return the root of the one document in ``events``; None when there is none."""
        for event in events:
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.DocumentStartEvent) and self.root:
                self._note(line, "a second document; keep one document a file, without a further ---")
                raise _Stop
            if isinstance(event, yaml.AliasEvent):
                self._note(line, f"alias *{event.anchor}; write the value out")
                self._add(line, ABSENT)
            elif isinstance(event, yaml.ScalarEvent):
                self._check(event, line)
                self._scalar(event, line)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._check(event, line)
                children: dict[str, Node] | list[Node] = {} if isinstance(event, yaml.MappingStartEvent) else []
                self.open.append((self._add(line, children), children))
                self.keys.append(None)
                if len(self.open) > MAX_DEPTH:
                    self._note(line, f"nested deeper than {MAX_DEPTH}; write it flatter")
                    raise _Stop
            elif isinstance(event, yaml.CollectionEndEvent):
                self.open.pop()
                self.keys.pop()
        if self.root is None or self.root.null:
            self._note(1, "the file is empty; begin with schema: …")
            return None
        return self.root

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        if self._key_is_next():
            if not event.value.strip():
                self._note(line, "a key is empty; name it")
            self.keys[-1] = (event.value, line)
        else:
            self._add(line, None if event.style is None and event.value in _NULLS else event.value)

    def _key_is_next(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1][1], dict) and self.keys[-1] is None

    def _add(self, line: int, value: str | dict[str, Node] | list[Node] | Absent | None) -> Node:
        if self._key_is_next():
            self._note(line, "a key is not plain text; write it as key: value")
            raise _Stop
        if not self.open:
            self.root = Node(self.file, line, "the file", value, self.problems)
            return self.root
        parent, children = self.open[-1]
        if isinstance(children, list):
            node = Node(self.file, line, f"item {len(children) + 1} of {parent.label}", value, self.problems)
            children.append(node)
            return node
        key, key_line = self.keys[-1] or ("", line)
        self.keys[-1] = None
        node = Node(self.file, key_line, key, value, self.problems)
        if key in children:
            self._note(key_line, f"{key} is given twice (first in line {children[key].line}); keep one")
        else:
            children[key] = node
        return node

    def _check(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int) -> None:
        if event.anchor:
            self._note(line, f"anchor &{event.anchor}; write values out, aliases are not read")
        if event.tag:
            self._note(line, f"tag {event.tag}; leave it out, values are text")

    def _note(self, line: int, what: str) -> None:
        self.problems.append(f"{self.file}:{line}: {what}")


def load(data: bytes, file: str) -> Node:
    """Parse one YAML document and return its root; ``file`` is the name that problems carry.

    Never raises: what cannot be parsed is a root that is absent and a problem in ``root.problems``. All later reading adds
    to the same list, in the order of reading; the file is good when it is empty at the end.
    """
    problems: list[str] = []
    root = Node(file, 1, "the file", ABSENT, problems)
    if len(data) > MAX_BYTES:
        root.problem(f"{len(data):,} bytes; split it up, a file may have {MAX_BYTES:,}")
        return root
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        Node(file, line, "", ABSENT, problems).problem("not UTF-8; save the file as UTF-8")
        return root
    try:
        return _Builder(file, problems).build(yaml.parse(text, Loader=yaml.BaseLoader)) or root
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        mend = "indent with spaces" if "'\\t'" in str(error.problem) else "check quotes, brackets and indentation here"
        Node(file, line, "", ABSENT, problems).problem(f"not YAML ({error.problem}); {mend}")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        Node(file, line, "", ABSENT, problems).problem(f"control character U+{error.character:04X}; remove it")
    except _Stop:
        pass
    return root
