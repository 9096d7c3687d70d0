"""Mail, over SMTP with STARTTLS, always: a password or a notice in the clear is refused.

The standard library's client blocks, so it works in a thread; every exchange has a time.
"""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Final

from runtime.errors import TransientError
from runtime.notify.notice import Notice, NotTakenError

SEND_SECONDS: Final = 10.0
"""For each step of an exchange."""
_LONGEST_SUBJECT: Final = 120
_PERMANENT: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Implements `runtime.notify.notice.Channel`."""

    host: str
    port: int
    context: ssl.SSLContext
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    name: str = "smtp"

    async def send(self, notice: Notice) -> None:
        """Mail it; see `Channel.send`."""
        try:
            message = self._message(notice)
        except ValueError:
            raise NotTakenError("it cannot be written as a mail") from None
        await asyncio.to_thread(self._deliver, message)

    def _message(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        # One line: a header ends where a line does.
        line = " ".join(f"[{notice.severity.word}] {notice.source}: {notice.text}".split())
        message["Subject"] = line[:_LONGEST_SUBJECT]
        message.set_content(f"{notice.text}\n\n{notice.source}, {notice.key}\n")
        return message

    def _deliver(self, message: EmailMessage) -> None:
        try:
            with smtplib.SMTP(self.host, self.port, timeout=SEND_SECONDS) as server:
                server.starttls(context=self.context)
                if self.user is not None and self.password is not None:
                    server.login(self.user, self.password)
                refused = server.send_message(message)
        except smtplib.SMTPRecipientsRefused:
            raise NotTakenError("the server refuses every recipient") from None
        except smtplib.SMTPResponseException as error:
            # Never its words: a server may repeat what it was given.
            kind = NotTakenError if error.smtp_code >= _PERMANENT else TransientError
            raise kind(f"SMTP {error.smtp_code}") from None
        except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as error:
            raise NotTakenError(
                f"the server offers no TLS that can be trusted ({type(error).__name__})"
            ) from None
        except UnicodeError:
            raise NotTakenError("it cannot be written as a mail") from None
        except (smtplib.SMTPException, OSError) as error:
            raise TransientError(f"no answer ({type(error).__name__})") from None
        if refused:
            raise NotTakenError(f"the server refuses {len(refused)} of the recipients")
