"""Every way out, by the name that the site file gives it."""

from alerts.channels.inbox import Inbox
from alerts.delivery import Channel

CHANNELS: dict[str, Channel] = {
    "inbox": Inbox(),
}
