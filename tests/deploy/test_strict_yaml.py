"""The reader of these tests reads what we write, and refuses what could be read in two ways."""

import pytest

from tests.deploy.strict_yaml import NotStrictError, documents


def test_reads_maps_lists_flows_and_blocks() -> None:
    text = """\
# A comment.
name: keeper # another
ports: ["127.0.0.1:9090:9090", plain]
limits: {cpu: 10m, memory: 16Mi}
none: []
items:
- first
- key: 1
  deep:
    is_on: true
file: |
  # not a comment
    indented

after: 'it #1'
---
second: -7
"""
    assert documents(text) == [
        {
            "name": "keeper",
            "ports": ["127.0.0.1:9090:9090", "plain"],
            "limits": {"cpu": "10m", "memory": "16Mi"},
            "none": [],
            "items": ["first", {"key": 1, "deep": {"is_on": True}}],
            "file": "# not a comment\n  indented\n",
            "after": "it #1",
        },
        {"second": -7},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "a: yes",
        "mode: 0400",
        "version: 1.10",
        "a: &anchor b",
        "a: *anchor",
        "a: !tag b",
        "a:\n\tb: 1",
        "a: [1, 2",
        "a: {b: 1, b: 2}",
        "a: b\n   c: d",
        "a: >\n  folded",
        "a:",
        "- only a list",
        "a: 1\n- b",
        "just words",
        'a: "text" more',
    ],
)
def test_refuses_the_rest(text: str) -> None:
    with pytest.raises((NotStrictError, IndexError)):
        documents(text)
