"""The real tools: those that `make monitoring-tools` brought, or the machine's own."""

import shutil
from pathlib import Path
from typing import Final

from drills.anvil import ROOT
from runtime.errors import OperatorError

BROUGHT: Final = ROOT / ".tools" / "prometheus" / "bin"
SHARE: Final = ROOT / ".tools" / "prometheus" / "share"
TEMPLATE: Final = Path("prometheus/alertmanager/default.tmpl")
NAMES: Final = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    # Debian's package has a longer name for it.
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
}
_UNDER_OUR_SHARE: Final = 'mount --bind "$0" /usr/share && exec "$@"'


def tool(name: str) -> str:
    """Give a program's path; raises OperatorError with a sentence that says how to get it."""
    for each in NAMES[name]:
        found = shutil.which(each, path=str(BROUGHT)) or shutil.which(each)
        if found is not None:
            return found
    raise OperatorError(
        f"expected {name}, found none: run `make monitoring-tools` (where Debian's packages cannot be"
        " had, install Prometheus and Alertmanager yourself)"
    )


def alertmanager_words() -> list[str]:
    """Give the words that start Alertmanager.

    Debian's reads its templates from /usr/share, where an unpacked package has put none: it then
    starts in a mount namespace of its own, in which /usr/share is what was unpacked. No root is needed,
    but a kernel that lets users have namespaces; without, the package must be installed.
    """
    program = tool("alertmanager")
    is_unpacked = Path(program).resolve().parent == BROUGHT.resolve()
    if not is_unpacked or (Path("/usr/share") / TEMPLATE).exists():
        return [program]
    unshare = shutil.which("unshare")
    if unshare is None or not (SHARE / TEMPLATE).exists():
        raise OperatorError(
            "expected Alertmanager's templates, found none: run `make monitoring-tools` again, on a"
            " machine with util-linux, or install Debian's prometheus-alertmanager"
        )
    namespace = [unshare, "--user", "--map-root-user", "--mount"]
    return [*namespace, "sh", "-c", _UNDER_OUR_SHARE, str(SHARE), program]
