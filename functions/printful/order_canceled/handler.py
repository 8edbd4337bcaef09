"""An order is canceled: through the API, in the dashboard, by Printful, or automatically after 30 days on hold."""

from pressroom.providers.printful.facts import fact_with_reason
from pressroom.providers.printful.messages import OrderEvent
from pressroom.providers.printful.topic import PrintfulTopic

handler = PrintfulTopic("printful.order_canceled", OrderEvent, fact_with_reason("canceled"))
