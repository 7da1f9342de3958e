"""Rehearses a gradual deployment in the embedded AWS: traffic, a changed version, hooks, alarms, the verdict.

breaks       changes that a deployment has to stop
releases     the pattern's copy, deployed in its released and in its changed version
traffic      plays the demo again and again
observation  what happens meanwhile: weights, lifecycle events, alarms
rehearsal    all of it together, and the verdict
picture      the timeline as SVG
"""
