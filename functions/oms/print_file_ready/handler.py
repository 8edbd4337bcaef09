"""The OMS reports that print files are ready. The body is undocumented, so it is only a hint to poll them now."""

from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.providers.oms import print_files
from pressroom.providers.oms.notice import Notice
from pressroom.providers.oms.print_files import Hint


def decide(notice: Notice, event: Event) -> Hint:
    """Return a hint about the lines and orders that the notice names."""
    return Hint(event.id, notice.orders())


handler = Topic("oms.print_file_ready", Notice, decide, write=print_files.poll_now)
