"""Pictures of state machines: SVG drawn from a definition, also with an execution's outcome laid on top.

`flow.py` reads the definition, `layout.py` places states and transitions, and `drawing.py` writes the SVG. The same
definition gives the same bytes.
"""

from blueprints.flow_pictures.drawing import draw
from blueprints.flow_pictures.flow import Flow, read_flow
from blueprints.flow_pictures.outcomes import Outcome

__all__ = ["Flow", "Outcome", "draw", "read_flow"]
