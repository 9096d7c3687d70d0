"""Where the traces of intents go."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from config.schema.fields import FilePath, HttpUrl, Section

Ratio = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
ServiceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Tracing(Section):
    """Traces of intents over OTLP/HTTP, from the journal. Without an `endpoint` nothing is exported."""

    endpoint: HttpUrl | None = None
    """Address that takes traces, whole: `http://127.0.0.1:4318/v1/traces` is a collector's own."""

    headers_file: FilePath | None = None
    """File with a line `Name: value` for each header of a request, for example an authorization. Only the keeper may read it."""

    sample_ratio: Ratio = 1.0
    """Share of the intents that is exported, chosen by trace id: all keepers choose the same ones. Published prices are intents too."""

    service_name: ServiceName = "bellkeeper"
    """`service.name` of every trace."""

    @model_validator(mode="after")
    def _check_together(self) -> "Tracing":
        parts = urlsplit(self.endpoint or "")
        if parts.username or parts.password:
            raise ValueError(
                "`endpoint` must hold no user or password: put an `Authorization: …` line into the "
                "`headers_file`"
            )
        if self.headers_file is None:
            return self
        if self.endpoint is None:
            raise ValueError("`headers_file` must come with an `endpoint`: set both, or neither")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError(
                "`endpoint` must be https:// where a `headers_file` is set, because http:// would "
                "show its secret to everybody on the way: use https://, or a collector on loopback"
            )
        return self
