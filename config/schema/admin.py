"""Who may change a running keeper, and by which way."""

from typing import Annotated

from pydantic import Field, model_validator

from config.schema.fields import FilePath, Listen, Name, Section


class AdminToken(Section):
    """A token that one person or program holds."""

    name: Name
    """Whose it is: the record of what was done names it."""

    file: FilePath
    """File whose first line is the token, 32 characters or more; readable by the keeper's user only (mode 600)."""


class Admin(Section):
    """The listener for admin actions. Off unless `socket` or `listen` is set; it never shares a port with `[http]`."""

    socket: FilePath | None = None
    """Unix socket, made with mode 600: the keeper's user and root may use it. Its folder must be closed to other writers. `bellkeeper halt` and its like use it."""

    listen: Listen | None = None
    """Host and port for actions over TLS, from other machines. Needs `certificate_file`, `key_file` and `tokens`; without all of them it is refused."""

    certificate_file: FilePath | None = None
    """Certificate chain (PEM) that the port shows."""

    key_file: FilePath | None = None
    """Its private key (PEM, not encrypted); readable by the keeper's user only (mode 600)."""

    tokens: Annotated[tuple[AdminToken, ...], Field(max_length=32, strict=False)] = ()
    """Who may use the port, a bearer token each."""

    @property
    def is_on(self) -> bool:
        """Say whether anything is listened on."""
        return self.socket is not None or self.listen is not None

    @model_validator(mode="after")
    def _check_together(self) -> "Admin":
        has = {
            "certificate_file": self.certificate_file is not None,
            "key_file": self.key_file is not None,
            "tokens": bool(self.tokens),
        }
        missing = [name for name, is_there in has.items() if not is_there]
        if self.listen is not None and missing:
            raise ValueError(
                f"must have {' and '.join(f'`{name}`' for name in missing)} beside `listen`: a port"
                " without TLS and tokens would let anybody halt the exchange; add them, or use"
                " `socket`"
            )
        if self.listen is None and len(missing) < len(has):
            raise ValueError(
                "must have `listen` beside `certificate_file`, `key_file` and `tokens`, but has"
                " none: add it, or remove them"
            )
        names = [token.name for token in self.tokens]
        if len(set(names)) < len(names):
            raise ValueError("must name each of `tokens` differently: the record tells them apart")
        return self
