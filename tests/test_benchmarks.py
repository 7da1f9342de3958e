"""The code of the benchmarks, tested with fakes: no test here measures a speed."""

import gzip
import importlib
import json
import sys

import pytest

from benchmarks import __main__ as command
from benchmarks import against, comparisons, crossover, events, processes, report
from benchmarks.claims import Claim, Missing, Target
from benchmarks.harness import Bench, Sample, Timed, Variant, interleaved


def timed(name, *cpu):
    return Timed(name, tuple(Sample(wall=value + 1, cpu=value) for value in cpu))


def claim(**options):
    ways = {"peer": timed("Peer", 4, 6, 50), "ours": timed("ours", 2, 2, 10), "floor": timed("bound", 1, 1, 4)}
    return Claim("case", ways, **options)


def figures(outcome_claim):
    row = outcome_claim.as_json()
    return row["figure"]["median"], row["figure"]["min"], row["figure"]["max"], row["reached"]


def results(*rows, **outcome):
    machine = {"system": "Linux x86_64", "CPUs": "2"}
    written = [row.as_json() for row in rows]
    return {
        "fake": {"title": "A thing", "rows": written, "versions": {"Peer": "1.2"}, "broke": None, "machine": machine}
        | outcome
    }


def table(*rows, **outcome):
    return report.markdown(results(*rows, **outcome))


def test_variants_run_in_turn_after_a_warm_up_round_that_is_not_counted():
    order = []

    def way(name):
        return Variant(name, lambda: order.append(name) or Sample(wall=len(order)))

    taken = interleaved({"peer": way("A"), "ours": way("B"), "floor": way("C")}, rounds=2)
    assert "".join(order) == "ABCABCABC"
    assert [sample.wall for sample in taken["ours"].samples] == [5, 8]


def test_a_median_uses_only_measured_samples():
    way = timed("way", 3, 1, 2)
    assert way.median("cpu") == 2
    assert way.median("wall") == 3
    assert way.median("peak") is None


def test_a_quick_run_has_fewer_rounds_but_at_least_three():
    assert Bench().rounds >= 5
    assert Bench(quick=True).rounds == 3


def test_faster_is_the_median_over_the_rounds_of_other_divided_by_ours():
    assert figures(claim(target=Target("faster", 3))) == (3, 2, 5, True)
    assert figures(claim(target=Target("faster", 3.1)))[-1] is False


def test_within_is_ours_divided_by_the_other():
    assert figures(claim(against="floor", target=Target("within", 2))) == (2, 2, 2.5, True)
    assert figures(claim(against="floor", target=Target("within", 1.9)))[-1] is False


def test_at_most_is_ours_alone():
    alone = Claim("case", {"ours": timed("ours", 2, 2, 10)}, target=Target("at_most", 2))
    assert figures(alone) == (2, 2, 10, True)


def test_at_most_more_is_ours_minus_the_other():
    assert figures(claim(against="floor", target=Target("at_most_more", 0.5))) == (1, 1, 6, False)


def test_without_a_target_only_the_ratio_is_reported():
    assert figures(claim()) == (3, 2, 5, None)
    assert figures(claim(against="floor"))[0] == 2


def test_the_table_has_a_row_for_each_claim():
    lines = table(claim(target=Target("faster", 3)), claim(against="floor", target=Target("within", 1.9))).splitlines()
    assert lines[0] == "| comparison | peer | ours | floor | ratio (lowest–highest) | target | reached |"
    assert lines[2].startswith("| **A thing** |")
    assert lines[3] == (
        "| case | Peer: **6 s CPU**, 7 s | **2 s CPU**, 3 s | **1 s CPU**, 2 s | 3x faster (2x–5x) | ≥ 3x | yes |"
    )
    assert lines[4].endswith("| 2x the floor (2x–2.5x) | ≤ 1.9x | **no** |")
    assert lines[-1] == "A thing: Linux x86_64, CPUs 2; Peer 1.2."


def test_the_table_names_a_peer_that_is_not_available():
    assert "| case | not there: Node.js is not on this machine |" in table(
        Missing("case", "Node.js is not on this machine")
    )


def test_notes_are_numbered_below_the_table():
    said = table(claim(), claim(note="PSNR 38 dB"))
    assert "| case <sup>1</sup> |" in said
    assert "\n1. PSNR 38 dB\n" in said


def test_the_table_says_that_a_run_was_quick():
    assert "quick run on smaller inputs" in table(claim(), quick=True)


def test_memory_and_times_have_readable_units():
    samples = (Sample(wall=0.0123, cpu=0.456, peak=63.2),)
    way = {"ours": Timed("ours", samples)}
    assert "**63 MB**, 456 ms CPU, 12.3 ms" in table(Claim("case", way, measure="peak", target=Target("at_most", 100)))


def test_measures_that_were_not_taken_are_left_out():
    ways = {"ours": Timed("ours", (Sample(peak=10.2),)), "event": Timed("the event", (Sample(peak=6.0),))}
    row = table(Claim("case", ways, against="event", measure="peak", target=Target("within", 2))).splitlines()[3]
    assert row == "| case | the event: **6 MB** | **10 MB** |  | 1.7x the event (1.7x–1.7x) | ≤ 2x | yes |"


def test_a_comparison_that_raises_keeps_its_rows_and_fails_the_command(monkeypatch, capsys):
    def compare(bench):
        bench.uses("Peer", "1.2")
        yield claim()
        raise RuntimeError("the peer fell over\nand more")

    bench = Bench()
    outcome = command.compared("A thing", compare(bench), bench)
    assert (len(outcome.rows), outcome.broke, outcome.versions) == (1, "the peer fell over", {"Peer": "1.2"})
    monkeypatch.setattr(command, "run", lambda *_: outcome)
    assert command.main(["images"]) == 1
    assert "broke: the peer fell over" in capsys.readouterr().out


def test_a_missed_target_does_not_fail_the_command(monkeypatch, tmp_path, capsys):
    missed = [claim(target=Target("faster", 99))]
    monkeypatch.setattr(command, "run", lambda *_: command.compared("A thing", missed, Bench()))
    written = tmp_path / "bench.json"
    assert command.main(["images", "--quick", "--json", str(written)]) == 0
    assert "**no**" in capsys.readouterr().out
    row = json.loads(written.read_text())["images"]["rows"][0]
    assert row["ours"]["cpu"]["samples"] == [2, 2, 10]


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["--quick", "--record"], ["--rounds", "0"], ["run", "suite"], ["--against", "HEAD", "images"]],
)
def test_invalid_arguments_are_rejected(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize("package", [comparisons, against])
def test_each_file_has_the_interface_of_a_comparison(package):
    """A comparison has a TITLE and a function `compare`; the command line finds it by its file."""
    for name in command.names(package):
        module = importlib.import_module(f"{package.__name__}.{name}")
        assert module.TITLE
        assert callable(module.compare)


def test_the_peer_and_ours_make_the_same_lines_of_a_batch(tmp_path):
    """Comparing speeds is pointless if one side does less; `events.batch` has invalid records of each kind."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps(events.batch(400)))
    sizes = processes.run_for_json([sys.executable, "-m", "benchmarks.comparisons.batches", "same", event])
    assert set(sizes) == {"peer", "ours", "floor"}
    assert all(size > 100_000 for size in sizes.values())


def test_different_lines_end_the_comparison(monkeypatch):
    from benchmarks.comparisons import batches

    def line(number, **more):
        return gzip.compress(json.dumps({"sequence_number": number, "data": "", **more}).encode())

    def way(data, errors):
        return lambda _: {"data": data, "errors": errors}

    made = {"peer": way(line(1, n=1.0), line(2)), "ours": way(line(1, n=1.0), line(2)), "floor": way(b"", b"")}
    monkeypatch.setattr(batches, "_work", made.get)
    batches._same({})
    made["ours"] = way(line(1, n=1.5), line(2))
    with pytest.raises(RuntimeError, match="lines differ"):
        batches._same({})
    made["ours"] = way(line(1, n=1.0), line(3))
    with pytest.raises(RuntimeError, match="reject"):
        batches._same({})


def test_boto3_ours_and_the_floor_make_the_same_rows():
    from benchmarks.comparisons import rows

    images = rows._images(20)
    assert rows._same(images) == 20
    images[7]["surplus"] = {"N": "1"}  # which the one by hand does not see
    with pytest.raises(RuntimeError, match="differ"):
        rows._same(images)


def test_recording_replaces_the_comparisons_that_ran_and_keeps_the_others(tmp_path):
    file, page = tmp_path / "results.json", tmp_path / "speed.md"
    page.write_text(f"above\n{report.COMPARISONS.begin}\nold\n{report.COMPARISONS.end}\nbelow\n")
    report.record({"first": results(claim())["fake"]}, file, page)
    report.record({"second": results(Missing("other case", "no reason"))["fake"]}, file, page)
    kept = json.loads(file.read_text())["comparisons"]
    assert list(kept) == ["first", "second"]
    assert "samples" not in kept["first"]["rows"][0]["ours"]["cpu"]
    text = page.read_text()
    assert text == report.with_table(text, kept)
    assert text.startswith("above\n")
    assert text.endswith("below\n")
    assert "other case" in text
    assert "old" not in text


def test_a_page_without_markers_is_rejected():
    with pytest.raises(ValueError, match="lacks the lines"):
        report.with_table("# Speed", {})


def test_the_page_shows_the_recorded_results():
    """docs/speed.md is made from benchmarks/results.json: run `scripts/bench --record` and edit neither."""
    recorded = json.loads(report.RESULTS.read_text(encoding="utf-8"))
    page = report.PAGE.read_text(encoding="utf-8")
    assert list(recorded) == [section.key for section in report.SECTIONS]
    for section in report.SECTIONS:
        assert page == report.with_table(page, recorded[section.key], section)


def test_every_comparison_is_recorded_from_a_complete_run():
    """The page shows every comparison that exists and no other, and none from a quick or broken run."""
    recorded = json.loads(report.RESULTS.read_text(encoding="utf-8"))
    assert sorted(recorded["comparisons"]) == command.names()
    assert set(recorded["against"]) <= set(command.names(against))
    outcomes = [outcome for section in recorded.values() for outcome in section.values()]
    assert not any(outcome["quick"] or outcome["broke"] for outcome in outcomes)


def test_a_process_can_measure_its_own_work():
    work = "from benchmarks.processes import measure_and_print; measure_and_print(lambda: sum(range(10)))"
    sample = processes.run_self_measuring([sys.executable, "-c", work])
    assert sample.wall > 0
    assert sample.cpu is not None
    assert sample.peak


def test_a_process_is_measured_with_its_children():
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(3_000_000))'])"
    sample = processes.run_measured([sys.executable, "-c", nested])
    assert sample.cpu is not None
    assert sample.cpu > 0


@pytest.mark.parametrize("runs", [processes.run_measured, processes.run_for_json])
def test_a_process_that_fails_raises_with_its_output(runs):
    with pytest.raises(processes.Broke, match=r"(?s)status 3.*no such photo"):
        runs([sys.executable, "-c", "import sys; print('no such photo'); sys.exit(3)"])


@pytest.mark.parametrize("name", command.names())
def test_a_picture_shows_the_recorded_results(name):
    """`scripts/bench --record` draws it anew."""
    module = importlib.import_module(f"{comparisons.__name__}.{name}")
    if not hasattr(module, "PICTURE"):
        return
    recorded = json.loads(report.RESULTS.read_text(encoding="utf-8"))["comparisons"][name]
    assert module.PICTURE.read_text(encoding="utf-8") == module.picture(recorded)


def test_lines_cross_where_the_other_one_becomes_cheaper():
    assert crossover.crossing((10, 1000), (10, 10), (1, 100)) == pytest.approx(100)
    assert crossover.crossing((10, 100), (10, 20), (1, 2)) is None


def test_the_picture_has_every_measured_value_and_the_crossing():
    lines = (crossover.Line("this", (10, 10), (5, 6)), crossover.Line("that", (1, 100), (70, 80)))
    said = crossover.draw("Cost", (10, 1000), "rows", *lines)
    for words in (">10 s<", ">1 s<", ">100 s<", ">1,000<", ">70 MB<", ">80 MB<", "They cross at 100 rows."):
        assert words in said
    assert "do not cross up to 1,000 rows" in crossover.draw("Cost", (10, 1000), "rows", *reversed(lines))
