"""The OMS says that print files are ready, in a form that nobody knows: only a hint to ask for them at once."""

from pressroom.inbox.events import Event
from pressroom.inbox.topic import Topic
from pressroom.providers.oms import print_files
from pressroom.providers.oms.notice import Notice
from pressroom.providers.oms.print_files import Hint


def decide(notice: Notice, event: Event) -> Hint:
    """Take it for a hint about whatever it names."""
    return Hint(event.id, notice.orders())


handler = Topic("oms.print_file_ready", Notice, decide, write=print_files.hint)
