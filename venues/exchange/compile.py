"""Compile the contracts into the artifacts that the rest of the project reads.

`python -m venues.exchange.compile` writes `artifacts/Exchange.json` and `artifacts/TestUsdc.json`;
both are committed, so that no compiler runs in production. The output depends on the sources and
the compiler version only: sorted keys, no paths, no dates. A test compiles again and compares.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import vyper
from vyper.cli.vyper_compile import compile_files
from vyper.compiler.settings import OptimizationLevel, Settings

HERE = Path(__file__).resolve().parent
CONTRACTS = HERE / "contracts"
ARTIFACTS = HERE / "artifacts"

CONTRACT_FILES = {"Exchange": "exchange.vy", "TestUsdc": "test_usdc.vy"}
OPTIMIZATION = "gas"


def source_hash() -> str:
    """Hash all contract sources, by name and content."""
    digest = hashlib.sha256()
    for path in sorted(CONTRACTS.glob("*.vy")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def compile_contract(file_name: str) -> dict[str, Any]:
    """Compile one contract and describe it."""
    path = CONTRACTS / file_name
    output = compile_files(
        [path],
        ["abi", "bytecode", "bytecode_runtime"],
        paths=[CONTRACTS],
        settings=Settings(optimize=OptimizationLevel.from_string(OPTIMIZATION)),
        no_bytecode_metadata=True,
        # it warns of contracts above 24 KB: the target chains take them, the artifact tells the size
        warnings_control="none",
    )
    contract = next(iter(output.values()))
    return {
        "abi": contract["abi"],
        "bytecode": contract["bytecode"],
        "compiler": f"vyper {vyper.__version__}",
        "optimization": OPTIMIZATION,
        "runtime_size_bytes": len(bytes.fromhex(contract["bytecode_runtime"][2:])),
        "source": file_name,
        "source_sha256": source_hash(),
    }


def artifacts() -> Iterator[tuple[Path, str]]:
    """Give each artifact's path and the text that belongs there."""
    for name, file_name in CONTRACT_FILES.items():
        text = json.dumps(compile_contract(file_name), indent=1, sort_keys=True)
        yield ARTIFACTS / f"{name}.json", text + "\n"


def main() -> None:
    """Write the artifacts."""
    ARTIFACTS.mkdir(exist_ok=True)
    for path, text in artifacts():
        path.write_text(text)
        size = json.loads(text)["runtime_size_bytes"]
        sys.stdout.write(f"{path.name}: {size} bytes of runtime code\n")


if __name__ == "__main__":
    main()
