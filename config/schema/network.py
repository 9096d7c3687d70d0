"""Where the chain is, what stands on it, and who may do what there."""

from typing import Annotated

from pydantic import Field, model_validator

from config.schema.fields import (
    Address,
    HttpUrl,
    Name,
    NaturalInt,
    PositiveInt,
    Rate,
    Seconds,
    Section,
    WebSocketUrl,
)


class Endpoint(Section):
    """One JSON-RPC server. The first in the list is preferred; the others take over when it fails."""

    name: Name
    """Short name in logs and metrics, in lower case: URLs hold keys and are never logged."""

    http_url: HttpUrl
    """HTTP address for reads and for sending. A secret part belongs in the environment (see Secrets)."""

    ws_url: WebSocketUrl | None = None
    """WebSocket address for subscriptions; leave it out if the server has none."""

    calls_per_second: Rate = 50.0
    """HTTP calls a second that we allow ourselves. Set it below your plan's limit: a refused call costs more than a delayed one."""

    ws_messages_per_second: Rate = 5.0
    """WebSocket messages a second on one connection. MegaETH's public servers allow 5."""


class Network(Section):
    """The chain and the servers that speak for it."""

    name: Name
    """Name of the network in logs and metrics, for example `megaeth`."""

    chain_id: PositiveInt
    """Chain id that every server must report and every signature carries; a server of another chain is refused."""

    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=1, max_length=8, strict=False)]
    """Servers in order of preference. Two of different firms survive an outage of one."""

    require_websocket: bool = True
    """Whether at least one server must offer WebSocket. Polling sees a price about a second later; switch off only where nothing else exists."""

    request_timeout_seconds: Seconds = 10.0
    """Longest wait for one answer. MegaETH gives up on a realtime send after 10 s by itself."""

    keep_alive_seconds: Seconds = 5.0
    """Pause between keep-alive calls on a quiet WebSocket. MegaETH may close a connection after 30 s without one."""

    read_idle_seconds: Seconds = 15.0
    """A WebSocket on which nothing was read for so long is dropped and dialled again. Must exceed the keep-alive pause, whose answers count."""

    subscribe_pending: bool = False
    """Ask for the logs of blocks in the making, on nodes whose logs otherwise wait for the seal: MegaETH's do, by up to a second."""

    stall_seconds: Seconds = 10.0
    """Without a new block for so long nothing is acted on. Set it high on a chain that only makes blocks on demand."""

    view_gas: PositiveInt | None = None
    """Gas limit of reads; leave it out where the node has none. MegaETH's public servers allow 60 million."""

    max_clock_skew_seconds: Seconds = 5.0
    """How far this machine's clock may be from the latest block before `bellkeeper check` fails."""

    @model_validator(mode="after")
    def _check_together(self) -> "Network":
        names = [endpoint.name for endpoint in self.endpoints]
        if len(set(names)) < len(names):
            raise ValueError("`endpoints` must have different names: rename one of them")
        if self.require_websocket and not any(endpoint.ws_url for endpoint in self.endpoints):
            raise ValueError(
                "one of `endpoints` must have a `ws_url`, because `require_websocket` is true: "
                "add one, or set `require_websocket = false` and live with slower prices"
            )
        if self.read_idle_seconds <= self.keep_alive_seconds:
            raise ValueError(
                f"`read_idle_seconds` ({self.read_idle_seconds}) must exceed "
                f"`keep_alive_seconds` ({self.keep_alive_seconds}): raise the first"
            )
        return self


class Exchange(Section):
    """The exchange's contract. `bellkeeper exchange deploy` writes this section."""

    address: Address | None = None
    """Address of the exchange. The shipped profiles leave it out, because each venue has its own."""

    token_address: Address | None = None
    """Address of the quote token (USDC); only compared with what the exchange itself says."""

    deployed_at_block: NaturalInt = 0
    """Block in which the exchange was created: no log is asked for before it."""


class Roles(Section):
    """Addresses that hold the exchange's roles: what `bellkeeper check` expects to find on chain."""

    owner: Address | None = None
    """Owner of the exchange (a multisig in production): sets roles and limits, holds no other role."""

    pricer: Address | None = None
    """Publishes mark and index prices."""

    breaker: Address | None = None
    """Sets price bands and market status within the owner's limits."""

    tuner: Address | None = None
    """Sets margins, fees, funding and caps within the owner's limits."""

    corporate: Address | None = None
    """Carries out splits, dividends and settlements."""

    matcher: Address | None = None
    """Settles the trades that were matched off chain."""

    guardian: Address | None = None
    """May only make things safer: reduce-only, halt, close withdrawals."""

    deleverager: Address | None = None
    """Closes bankrupt accounts against profitable ones when the pools cannot carry them."""

    @model_validator(mode="after")
    def _check_together(self) -> "Roles":
        holder_to_role: dict[str, str] = {}
        for role, holder in self:
            if holder is None:
                continue
            other = holder_to_role.setdefault(holder, role)
            if other != role:
                raise ValueError(
                    f"`{other}` and `{role}` must be different addresses, but both are {holder}: "
                    "give each duty its own key"
                )
        return self
