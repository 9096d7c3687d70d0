"""Keys, and how transactions are sent with them."""

from pydantic import Field, model_validator

from config.schema.fields import (
    Address,
    FilePath,
    HttpUrl,
    NaturalInt,
    PositiveInt,
    Seconds,
    Section,
)


class LaneKey(Section):
    """Who signs for one lane: an encrypted keystore on this machine, or a remote signer."""

    keystore: FilePath | None = None
    """Encrypted key file (keystore v3) of this lane. Give this or `remote_signer_url`, never both."""

    password_file: FilePath | None = None
    """File that holds the keystore's password; readable by the keeper's user only (mode 600)."""

    remote_signer_url: HttpUrl | None = None
    """Address of a remote signer that speaks web3signer's JSON-RPC."""

    address: Address | None = None
    """Address of the key. Needed with a remote signer; with a keystore it is compared with the file's."""

    @model_validator(mode="after")
    def _check_together(self) -> "LaneKey":
        if self.keystore and self.remote_signer_url:
            raise ValueError(
                "must have one signer, but has both `keystore` and `remote_signer_url`: remove one"
            )
        if self.remote_signer_url:
            if self.address is None:
                raise ValueError(
                    "must name the key's `address` next to `remote_signer_url`: add it"
                )
            if self.password_file:
                raise ValueError("needs no `password_file` with `remote_signer_url`: remove it")
        elif not self.keystore:
            raise ValueError(
                "must have a signer, but has none: set `keystore` and `password_file`, "
                "or `remote_signer_url` and `address`"
            )
        elif not self.password_file:
            raise ValueError("must say where the password of `keystore` is: set `password_file`")
        return self


class Keys(Section):
    """One key per lane: nonces of a lane are ordered, so a slow errand must not hold up a liquidation."""

    urgent: LaneKey | None = None
    """Signs liquidations. Left out: the program may watch, but `run` only works with `--dry-run`."""

    housekeeping: LaneKey | None = None
    """Signs what may wait, such as claiming rewards. Must not be the urgent lane's key."""

    pricer: LaneKey | None = None
    """Signs prices; holds the exchange's role pricer and no other. Must not be another lane's key."""

    breaker: LaneKey | None = None
    """Signs bands and statuses; holds the role breaker and no other."""

    guardian: LaneKey | None = None
    """Signs what only makes the exchange safer; holds the role guardian and no other."""

    deleverager: LaneKey | None = None
    """Signs deleverages, the last resort; holds the role deleverager and no other."""

    tuner: LaneKey | None = None
    """Signs incentives: margins to open, funding, fees, caps; holds the role tuner and no other."""

    corporate: LaneKey | None = None
    """Signs splits, dividends and settlements; holds the role corporate and no other."""


class Sender(Section):
    """How a signed transaction is carried until it is final, expired or replaced."""

    max_in_flight: PositiveInt = Field(default=8, le=64)
    """Transactions of one lane on their way at once. More hides latency better; a gap in the nonces then blocks more."""

    max_fee_per_gas_wei: PositiveInt = 10_000_000_000
    """Highest fee per gas the signer signs, replacements included. Set it to what a liquidation is worth, many times the usual base fee."""

    priority_fee_per_gas_wei: NaturalInt = 0
    """Tip per gas; 0 where blocks are not full, as on MegaETH."""

    rebroadcast_seconds: Seconds = 2.0
    """Without a receipt for so long, the same bytes are sent again (to every server)."""

    replace_seconds: Seconds = 6.0
    """Without a receipt for so long, the transaction is replaced by one with a higher fee."""

    fee_bump_ppm: PositiveInt = Field(default=125_000, ge=100_000, le=10_000_000)
    """Rise of the fee with each replacement. Nodes refuse less than 10 % (100_000)."""

    confirmations: PositiveInt = Field(default=2, le=10_000)
    """Blocks on top of a transaction after which it counts as final."""

    expiry_seconds: Seconds = 30.0
    """Age after which an intent is given up; the exchange refuses its items after that time too."""

    low_balance_wei: PositiveInt = 10_000_000_000_000_000
    """Native balance below which a lane's key raises an alarm. Set it to a bad day's gas."""

    @model_validator(mode="after")
    def _check_together(self) -> "Sender":
        if self.priority_fee_per_gas_wei > self.max_fee_per_gas_wei:
            raise ValueError(
                f"`max_fee_per_gas_wei` ({self.max_fee_per_gas_wei}) must be at least "
                f"`priority_fee_per_gas_wei` ({self.priority_fee_per_gas_wei}): raise the cap or "
                "lower the tip"
            )
        if self.replace_seconds < self.rebroadcast_seconds:
            raise ValueError(
                f"`replace_seconds` ({self.replace_seconds}) must be at least "
                f"`rebroadcast_seconds` ({self.rebroadcast_seconds}): raise the first"
            )
        if self.expiry_seconds <= self.replace_seconds:
            raise ValueError(
                f"`expiry_seconds` ({self.expiry_seconds}) must exceed "
                f"`replace_seconds` ({self.replace_seconds}): raise the first"
            )
        return self
