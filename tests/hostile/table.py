"""All decoders, and those names that look like one and are none."""

from typing import Final

from tests.hostile import decoders_chain, decoders_files, decoders_prices

DECODERS: Final = (
    *decoders_chain.DECODERS,
    *decoders_prices.DECODERS,
    *decoders_files.DECODERS,
)
NAME_TO_DECODER: Final = {decoder.name: decoder for decoder in DECODERS}
assert len(NAME_TO_DECODER) == len(DECODERS), "expected a name of its own for each decoder"
