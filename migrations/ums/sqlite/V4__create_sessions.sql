-- A user logs in and out. The sessions go with the user.
CREATE TABLE sessions (
  id BLOB NOT NULL
    DEFAULT (CAST(
      randomblob(6)
      || substr(x'404142434445464748494a4b4c4d4e4f', 1 + (random() & 15), 1)
      || randomblob(1)
      || substr(
        x'808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf',
        1 + (random() & 63), 1)
      || randomblob(7) AS BLOB))
    CHECK (typeof(id) = 'blob' AND length(id) = 16),
  user_id BLOB NOT NULL CHECK (typeof(user_id) = 'blob' AND length(user_id) = 16),
  logged_in_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    CHECK (length(logged_in_at) = 19 AND logged_in_at IS datetime(logged_in_at, '+0 days')),
  logged_out_at TEXT
    CHECK (logged_out_at IS NULL
      OR (length(logged_out_at) = 19 AND logged_out_at IS datetime(logged_out_at, '+0 days'))),
  CONSTRAINT sessions_pkey PRIMARY KEY (id),
  CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT sessions_logged_out_after_in CHECK (logged_out_at >= logged_in_at)
);

-- Deleting a user asks for the user's sessions.
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
