"""The version of the program, as `bellkeeper_build_info` and the status page give it."""

from typing import Final

VERSION: Final = "0.1.0"
