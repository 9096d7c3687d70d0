"""Who is told what happens, and by which ways."""

from typing import Annotated, Literal

from pydantic import Field

from config.schema.fields import FilePath, HttpUrl, PositiveInt, Seconds, Section

Least = Literal["info", "warning", "critical"]
MailAddress = Annotated[str, Field(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$", max_length=254)]


class NotifyWebhook(Section):
    """A webhook of one's own; each POST is signed."""

    url_file: FilePath
    """File whose first line is the URL, which counts as a secret (mode 600)."""

    secret_file: FilePath
    """File whose first line signs each POST by HMAC-SHA256 (mode 600)."""

    least_severity: Least = "info"
    """What is less severe is not sent here."""


class NotifySlack(Section):
    """An incoming webhook of Slack, or of what speaks like it."""

    url_file: FilePath
    """File whose first line is the URL: whoever has it may write to the channel (mode 600)."""

    least_severity: Least = "info"
    """What is less severe is not sent here."""


class NotifyPagerduty(Section):
    """A service of PagerDuty, by its Events API version 2."""

    routing_key_file: FilePath
    """File whose first line is the integration's routing key (mode 600)."""

    url: HttpUrl = "https://events.pagerduty.com/v2/enqueue"
    """Where events go; another for the EU's service region or a relay of your own."""

    least_severity: Least = "critical"
    """What is less severe wakes nobody."""


class NotifySmtp(Section):
    """Mail, over a server that offers STARTTLS; without it nothing is sent."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    """The mail server."""

    port: PositiveInt = Field(default=587, le=65_535)
    """Its port for submission."""

    sender: MailAddress
    """Whom the mail comes from."""

    recipients: Annotated[tuple[MailAddress, ...], Field(min_length=1, max_length=32, strict=False)]
    """Whom it goes to."""

    user: str | None = None
    """Who logs in; left out: nobody does."""

    password_file: FilePath | None = None
    """File whose first line is the user's password (mode 600)."""

    certificate_authority_file: FilePath | None = None
    """Certificates (PEM) that the server is trusted by; left out: those of the system."""

    least_severity: Least = "warning"
    """What is less severe is not mailed."""


class Notify(Section):
    """Own notices of the process: breaker trips and returns, breaches, deleverages, halted lanes, what operators did. Alertmanager does not replace them, nor they it: `docs/notifications.md`."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = None
    """What the keeper calls itself; left out: `[network] name`. Give each process one of its own."""

    window_seconds: Seconds = 300.0
    """The same again within so long is counted, and told as "n more"."""

    remind_seconds: Seconds = 14_400.0
    """What lasts is told again after so long: the first notice may have been lost."""

    most_per_minute: PositiveInt = Field(default=20, le=600)
    """Notices of one channel; more wait."""

    most_waiting: PositiveInt = Field(default=100, le=10_000)
    """Notices that wait for one channel; when there are more the least severe is given up."""

    webhook: NotifyWebhook | None = None
    """A webhook of one's own."""

    slack: NotifySlack | None = None
    """Slack."""

    pagerduty: NotifyPagerduty | None = None
    """PagerDuty."""

    smtp: NotifySmtp | None = None
    """Mail."""
