-- Every item of the table that there is or was. The guard of each row is (stream, sequence_number): a row only ever
-- moves forward. Rows of items that are gone stay as tombstones, so that a late or repeated change can't bring one back.
CREATE TABLE items (
    id              text COLLATE "C" PRIMARY KEY,   -- SHA-256 of the key: a key may be longer than an index entry
    key             jsonb NOT NULL,
    item            jsonb,                          -- NULL unless state is present
    state           text NOT NULL CHECK (state IN ('present', 'deleted', 'expired', 'rejected')),
    stream          text COLLATE "C" NOT NULL,      -- the stream's label: when it was made
    sequence_number numeric NOT NULL,
    changed_at      timestamptz NOT NULL,
    written_at      timestamptz NOT NULL DEFAULT now(),
    CHECK ((item IS NOT NULL) = (state = 'present'))
);

CREATE VIEW current_items AS
    SELECT key, item, changed_at FROM items WHERE state = 'present';
