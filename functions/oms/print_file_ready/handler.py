"""The OMS says that print files are ready, in a form that nobody knows: only a hint to ask for them at once."""

from pressroom.inbox import Event
from pressroom.models.oms_notice import Notice
from pressroom.oms import print_files
from pressroom.oms.print_files import Hint
from pressroom.topic import Topic


def decide(notice: Notice, event: Event) -> Hint:
    """Take it for a hint about whatever it names."""
    return Hint(event.id, notice.orders())


handler = Topic("oms.print_file_ready", Notice, decide, print_files.hint)
