"""How the tools and the process that runs the embedded AWS talk to each other, apart from AWS's own APIs."""

HOST = "127.0.0.1"
SAR_FOLDER = "BLUEPRINTS_SAR_FOLDER"
"""Environment variable: where the Serverless Application Repository keeps what outlives the process."""

RESET_PATH = "/_ministack/reset"
"""Empties the account."""
INITIALISE_PATH = "/_blueprints/initialise"
"""Starts an execution environment of the function that the query names."""
LAYER_COPIES_PATH = "/_blueprints/layers"
"""Supplies a copy of another account's layer."""
WITHOUT_EFFECT_PATH = "/_blueprints/without-effect"
"""Lists the properties of a stack that have no effect here."""
