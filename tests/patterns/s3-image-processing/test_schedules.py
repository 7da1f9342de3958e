"""However changes and invocations interleave, the renditions become those of the newest object, if there is one."""

from hypothesis import given, settings
from hypothesis import strategies as st
from in_memory import IMAGES, NO_IMAGE
from schedules import ACTIONS, KEYS, Schedule

CHANGES = st.tuples(
    st.sampled_from(ACTIONS), st.sampled_from(KEYS[:1] * 3 + KEYS[1:]), st.sampled_from([*IMAGES, *IMAGES, NO_IMAGE])
)


@settings(max_examples=1000, deadline=None)
@given(
    versioned=st.booleans(),
    changes=st.lists(CHANGES, min_size=2, max_size=7),
    seed=st.integers(0, 2**32),
)
def test_any_interleaving_ends_with_the_newest_object(versioned, changes, seed):
    Schedule(seed, versioned=versioned, changes=changes).play()
