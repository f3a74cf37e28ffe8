"""The one sender of events: what the sealed trail says, told to whoever subscribed (docs/events.md).

`announcing` is how other code raises an event that no move of a row is; the rest works by itself: `fanout` makes one
message a channel and event, `post` sends what is due, `schedule` says when, `redelivery` sends again.
"""
