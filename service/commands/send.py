"""``thinkcarer send``: an MLLP client for files and batches."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ingest import send as mllp
from ingest.batch import has_text_before, parts_of, split
from service.commands.shell import CommandFailed, say, warn


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("send", help="Send .hl7 files or batches over MLLP and count the answers.")(send)


def send(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False)],
    to: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to send.")],
    tls_ca: Annotated[
        Path | None, typer.Option(help="Use TLS and trust this CA.", exists=True, dir_okay=False)
    ] = None,
    tls_cert: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="CERT KEY", help="Use TLS and show this certificate.", exists=True),
    ] = None,
    rate: Annotated[float, typer.Option(min=0, help="Messages a second; 0: no limit.")] = 0,
) -> None:
    """Send every message of the files in order, one outstanding at a time."""
    found = [(file, file.read_bytes()) for file in files]
    messages = [message for file, data in found for message in _messages(file, data)]
    doubts = [doubt for file, data in found for doubt in _doubts(file, data)]
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Sending", total=len(messages))
        sent = mllp.send(
            messages,
            mllp.Destination(*address_of(to), tls=_tls(tls_ca, tls_cert)),
            rate=rate or None,
            on_progress=lambda done: bar.update(task, completed=done),
        )
    say("  ".join(f"{code} {count}" for code, count in sorted(sent.counts.items())) or "Nothing.")
    for doubt in doubts:
        warn(doubt)
    _tell(sent, to)
    if sent.failures:
        raise CommandFailed(f"{len(sent.failures)} of {len(messages)} messages were not accepted.")
    if doubts:
        raise CommandFailed("Everything that was found was accepted; see what was not sent.")


def address_of(text: str) -> tuple[str, int]:
    """Host and port."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise typer.BadParameter(f"--to takes HOST:PORT, such as 127.0.0.1:2575, not {text}")
    return host.strip("[]"), int(port)


def _tls(ca: Path | None, own: tuple[Path, Path] | None) -> ssl.SSLContext | None:
    """Trusts that CA, or those of this machine; shows our certificate where one is given."""
    if ca is None and own is None:
        return None
    try:
        context = ssl.create_default_context(cafile=ca)
        if own is not None:
            context.load_cert_chain(*own)
    except OSError as err:
        raise CommandFailed("A file for TLS is not the PEM file that it should be.") from err
    return context


def _tell(sent: mllp.Sent, to: str) -> None:
    """What was refused, and the one that ended it with how many were not tried."""
    for failure in sent.failures:
        if failure.code:
            warn(f"{failure.control_id}: {failure.code} {failure.reason}")
            continue
        rest = f"this one and the {sent.unsent} after it were" if sent.unsent else "this one was"
        raise CommandFailed(
            f"Stopped at {failure.control_id}: no answer from {to} ({failure.reason}). "
            f"{sent.accepted} accepted; {rest} not sent. "
            f"See that the service runs at {to}, then send the same files again."
        )


def _messages(file: Path, data: bytes) -> list[bytes]:
    messages = split(data)
    if not messages:
        raise CommandFailed(
            f"{file}: there is no HL7 message in it (no line begins with MSH); nothing was sent."
        )
    return messages


def _doubts(file: Path, data: bytes) -> Iterator[str]:
    """What a person should look at in a file whose messages were sent."""
    if has_text_before(data):
        yield f"{file}: text before the first MSH was not sent."
    if complaint := parts_of(data).complaint:
        yield f"{file}: {complaint}."
