"""The template's constraints on parameters and the handler's on settings: what one takes, the other takes."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from blueprints_shared.settings import SettingsError
from blueprints_shared.settings import load as load_settings

TEMPLATE = (Path(__file__).parent.parent / "template.yaml").read_text()
PREFIX = re.compile(json.loads(re.search(r"  Prefix:\n(?:    .*\n)*?    AllowedPattern: (.*)\n", TEMPLATE)[1]))
LONGEST = int(re.search(r"  Prefix:\n(?:    .*\n)*?    MaxLength: (.*)\n", TEMPLATE)[1])
PARTS = st.one_of(st.sampled_from(["errors", "replaced", "_probe", "", "."]), st.text("aZ09_.=- é", max_size=8))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.lists(PARTS, min_size=1, max_size=4).map("/".join),
        st.from_regex(PREFIX, fullmatch=True, alphabet=st.characters(max_codepoint=127)),
    )
)
@example("errors")
@example("errors/x")
@example("errors-of-mine/x")
@example("x/errors")
@example("a//b")
@example("/a/")
@example("a" * 256)
@example("a" * 257)
def test_a_prefix_is_taken_by_the_template_where_the_handler_takes_it(store_batch, prefix):
    environment = {"LAKE_BUCKET": "lake", "REFUSE_DUPLICATE_NAMES": "false", "PREFIX": prefix}
    taken = bool(PREFIX.fullmatch(prefix)) and len(prefix) <= LONGEST
    if taken:
        assert load_settings(store_batch.Settings, environment).prefix == prefix
    elif prefix == prefix.strip():
        with pytest.raises(SettingsError, match="PREFIX"):
            load_settings(store_batch.Settings, environment)
