"""What `blueprints.packaging.build` is made of: the cache, uv, bytecode, archives; one subject to a file."""
