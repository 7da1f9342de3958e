"""Rehearses a gradual deployment in the embedded AWS: traffic, a changed version, hooks, alarms, the verdict.

targets          functions and state machines that a deployment moves gradually
breaks           changes that a deployment has to stop
settings         `rehearsal.toml`, with which a pattern's demo takes less time
stage            the pattern on the embedded AWS, and one changed version after the other
traffic          plays the demo again and again, and sends events
repeated_events  the events of the demo, repeated to each alias, and the answers to them
observation      what happens meanwhile: weights, lifecycle events, alarms
rehearsal        the result and the verdict
reporting        the result in words, as a table and as JSON
picture          the timeline as SVG
"""
