"""The graph that stands in for NetworkX's has NetworkX's answers."""

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints.cfn_lint import graphs

NAMES = ["a", "b", "c", "d", "ab", "cd"]
EDGES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=10)


def built(library, nodes, edges):
    graph = library.MultiDiGraph(name="template")
    for node in nodes:
        graph.add_node(node, type="Resource")
    for number, (source, target) in enumerate(edges):
        graph.add_edge(source, target, label=number)
    return graph


def cycle(library, graph, source):
    try:
        return list(library.find_cycle(graph, source))
    except library.NetworkXNoCycle:
        return None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(NAMES), unique=True), EDGES)
def test_the_first_cycle_and_the_edges_are_those_of_networkx(nodes, edges):
    ours, theirs = built(graphs, nodes, edges), built(nx, nodes, edges)
    assert list(ours.edges.data()) == list(theirs.edges.data())
    for name in [*NAMES, "ac", "xyz"]:
        assert cycle(graphs, ours, name) == cycle(nx, theirs, name)
        assert list(ours.in_edges(name)) == list(theirs.in_edges(name))
    for source in theirs:
        for target in theirs:
            assert ours.get_edge_data(source, target) == theirs.get_edge_data(source, target)
