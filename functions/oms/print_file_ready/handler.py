"""The OMS reports that print files are ready. The format is unknown, so the webhook is only a hint to poll now."""

from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.providers.oms import print_files
from pressroom.providers.oms.notice import Notice
from pressroom.providers.oms.print_files import Hint


def decide(notice: Notice, event: Event) -> Hint:
    """Return a hint about the orders that the notice names."""
    return Hint(event.id, notice.orders())


handler = Topic("oms.print_file_ready", Notice, decide, write=print_files.hint)
