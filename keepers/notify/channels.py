"""The ways to people, from the profile: each with its secrets from files, and nowhere else."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

from config.schema.notify import Notify, NotifySmtp
from keepers.secret_files import read_secret
from runtime.clock import Clock
from runtime.errors import OperatorError
from runtime.notify.notice import Channel, Severity
from runtime.notify.pagerduty import PagerDuty
from runtime.notify.slack import Slack
from runtime.notify.smtp import Mail
from runtime.notify.webhook import Webhook

CHANNELS: Final = ("webhook", "slack", "pagerduty", "smtp")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenChannel:
    """A channel, and what is severe enough for it."""

    channel: Channel
    least: Severity


def open_channels(
    knobs: Notify, session: aiohttp.ClientSession, clock: Clock
) -> Mapping[str, OpenChannel]:
    """Make every channel that the profile names, by name; raises OperatorError with one sentence."""
    found: dict[str, OpenChannel] = {}

    def add(channel: Channel, least: str) -> None:
        found[channel.name] = OpenChannel(channel=channel, least=Severity[least.upper()])

    if knobs.webhook is not None:
        url = _url(read_secret(knobs.webhook.url_file, "URL of [notify.webhook]"), "webhook")
        secret = read_secret(knobs.webhook.secret_file, "secret of [notify.webhook]")
        add(
            Webhook(session=session, url=url, secret=secret, clock=clock),
            knobs.webhook.least_severity,
        )
    if knobs.slack is not None:
        url = _url(read_secret(knobs.slack.url_file, "URL of [notify.slack]"), "slack")
        add(Slack(session=session, url=url), knobs.slack.least_severity)
    if knobs.pagerduty is not None:
        key = read_secret(knobs.pagerduty.routing_key_file, "routing key of [notify.pagerduty]")
        add(
            PagerDuty(session=session, url=knobs.pagerduty.url, routing_key=key),
            knobs.pagerduty.least_severity,
        )
    if knobs.smtp is not None:
        add(_mail(knobs.smtp), knobs.smtp.least_severity)
    return found


def _url(url: str, channel: str) -> str:
    """Refuse what is no URL, without showing it."""
    if not url.startswith(("http://", "https://")):
        raise OperatorError(
            f"expected a URL that begins with https:// in the url_file of [notify.{channel}], found"
            " something else: copy it again"
        )
    return url


def _mail(knobs: NotifySmtp) -> Mail:
    if (knobs.user is None) != (knobs.password_file is None):
        raise OperatorError(
            "expected [notify.smtp] user and password_file together, found one of them: set both,"
            " or neither"
        )
    authority = knobs.certificate_authority_file
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError):
        raise OperatorError(
            f"expected certificates (PEM) in {authority} ([notify.smtp]"
            " certificate_authority_file), found none that can be read: correct the path"
        ) from None
    password = (
        None
        if knobs.password_file is None
        else read_secret(knobs.password_file, "password of [notify.smtp]")
    )
    return Mail(
        host=knobs.host,
        port=knobs.port,
        context=context,
        sender=knobs.sender,
        recipients=knobs.recipients,
        user=knobs.user,
        password=password,
    )
