"""Strict YAML for files that people write: every scalar is read as text, and every problem names its file and line.

Nothing is converted behind one's back (``1:30``, ``010``, ``no`` and dates stay text) and nothing is built that was not
written: anchors, aliases, tags, merge keys, a second document, a key given twice, and nesting deeper than 32 are refused.
A null is what stands plainly as nothing, ``~`` or ``null``; quoted and plain text are otherwise the same.

    root = load(data, "pathways.yaml")
    fields = root.document("pathways/v1", {"pathways"}, {"pathways"})
    names = [item.mapping({"name"}, {"name"})["name"].name() for item in fields["pathways"].items()]
    if root.problems: ...                         # every one of them: "pathways.yaml:3: unknown key nmae; did you mean name?"
"""

from contextd.yamlfile.node import Fields, Node, Plain, parse_duration, parse_size
from contextd.yamlfile.parsing import MAX_BYTES, MAX_DEPTH, load

__all__ = ["MAX_BYTES", "MAX_DEPTH", "Fields", "Node", "Plain", "load", "parse_duration", "parse_size"]
