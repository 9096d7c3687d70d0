"""One thing that reads what others wrote, and the promise that it keeps."""

import atexit
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hypothesis.strategies import SearchStrategy

LONGEST_SENTENCE: Final = 1_500
"""Characters; longer texts of an error are somebody else's input, told again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """Gives a value, or one of `errors` with one sentence; nothing else, whatever comes in."""

    reads: str
    """What it is: `package.module:function` or `package.module:Class.method`."""
    decode: Callable[[Any], object]
    examples: SearchStrategy[Any]
    errors: tuple[type[Exception], ...] = ()
    """The errors that its docstring names; none where every input gives a value."""
    variant: str = ""
    """Tells entries of one decoder apart."""

    @property
    def name(self) -> str:
        """What tests call it."""
        return f"{self.reads} {self.variant}".strip()

    def keeps_its_promise(self, example: object) -> None:
        """Decode an example; raises AssertionError or whatever else came out."""
        sentence = self.sentence_about(example)
        if sentence is None:
            return
        assert sentence.strip(), "expected a sentence, found an empty one"
        assert "\n" not in sentence, f"expected one line, found {sentence!r}"
        assert len(sentence) <= LONGEST_SENTENCE, f"found {len(sentence)}: {sentence[:200]!r}"

    def sentence_about(self, example: object) -> str | None:
        """Decode an example; give what its named error says, or None for a value."""
        try:
            self.decode(example)
        except self.errors as error:
            return str(error)
        return None


def folder() -> Path:
    """Make a folder that is gone when the process ends."""
    made = Path(tempfile.mkdtemp(prefix="bellkeeper-hostile-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


_FOLDER: Final = folder()


def as_file(load: Callable[[Path], object], name: str = "file.toml") -> Callable[[bytes], object]:
    """Let something that loads a file load bytes."""

    def decode(payload: bytes) -> object:
        path = _FOLDER / name
        path.write_bytes(payload)
        path.chmod(0o600)
        return load(path)

    return decode
