-- Every item that the table has or had. A row is updated only by a change with a higher (stream, sequence_number).
-- Rows of deleted items stay as tombstones, so that a late or repeated change cannot bring the item back.
CREATE TABLE items (
    id              text COLLATE "C" PRIMARY KEY,   -- SHA-256 of the key: a key may be longer than an index entry
    key             jsonb NOT NULL,
    item            jsonb,                          -- NULL unless state is present
    state           text NOT NULL CHECK (state IN ('present', 'deleted', 'expired', 'rejected')),
    stream          text COLLATE "C" NOT NULL,      -- the label of the stream: when it was created
    sequence_number numeric NOT NULL,
    changed_at      timestamptz NOT NULL,
    written_at      timestamptz NOT NULL DEFAULT now(),
    CHECK ((item IS NOT NULL) = (state = 'present'))
);

CREATE VIEW current_items AS
    SELECT key, item, changed_at FROM items WHERE state = 'present';
