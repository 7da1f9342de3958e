"""The scripts of Node that the client tests run."""

import pytest

from tests.local.appsync.clients.node import NodeScript, ScriptFailed

SCRIPT = """
import { serve } from './actions.mjs';
await serve({
  double: ({ number }) => { console.log('doubling'); return number * 2; },
  fail: () => { throw new Error('no luck'); },
  end: () => process.exit(3),
  client: async () => typeof (await import('aws-amplify/api')).generateClient,
});
"""


def test_actions_answer_fail_and_end(tmp_path):
    script = tmp_path / "source" / "script.mjs"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    folder = tmp_path / "run"
    folder.mkdir()

    with NodeScript(script, folder) as node:
        assert node.call("double", number=21) == 42
        assert "doubling" in node.log()
        with pytest.raises(ScriptFailed, match="no luck"):
            node.call("fail")
        assert node.call("client") == "function"
        with pytest.raises(ScriptFailed, match="ended during end"):
            node.call("end")
