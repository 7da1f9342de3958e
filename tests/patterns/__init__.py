"""Proofs of the patterns' designs: simulations on random schedules, and what they need.

`NAME/` holds those of `patterns/NAME`. A copy of the pattern does not get them; it has the tests of its handlers.

- `NAME/conftest.py` calls `load_fixtures`, so that the modules and fixtures of the pattern and its tests can be used.
- `NAME/schedules.py` has `SIMULATIONS`: pairs of a class and its options. `scripts/soak` calls
  `class(seed, **options).play()`, which raises AssertionError when a promise does not hold.
"""
