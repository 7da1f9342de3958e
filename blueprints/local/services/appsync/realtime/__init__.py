"""Realtime: subscriptions over WebSockets.

route          which WebSocket requests are AppSync's, and how a connection opens
connection     one client's messages, from `connection_init` to the end
messages       the texts of the protocol
credentials    the headers of a connection, from its URL or its subprotocols
outbox         the bounded queue of a connection
subscriptions  the active subscriptions of all connections
filters        which events a subscription gets
fan_out        delivers the events of mutations
"""

from blueprints.local.services.appsync.realtime.route import Realtime

__all__ = ["Realtime"]
