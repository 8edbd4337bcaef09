"""An order was created at Printful: through its API, or by a person in its dashboard."""

from pressroom.providers.printful import stock
from pressroom.providers.printful.facts import progress_fact
from pressroom.providers.printful.messages import OrderEvent
from pressroom.providers.printful.topic import PrintfulTopic

handler = PrintfulTopic("printful.order_created", OrderEvent, progress_fact, write=stock.record_order)
