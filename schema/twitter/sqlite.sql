-- The desired schema of `twitter`: what the migrations must lead to. Change it first, then
-- `bird new NAME --database twitter --from-schema` writes the migration.

-- A user posts a message of at most 280 characters. author_id is an id of ums.users.
CREATE TABLE messages (
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
  author_id BLOB NOT NULL CHECK (typeof(author_id) = 'blob' AND length(author_id) = 16),
  content TEXT NOT NULL CHECK (typeof(content) = 'text' AND length(content) <= 280 AND instr(content, char(0)) = 0),
  created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    CHECK (length(created_at) = 19 AND created_at IS datetime(created_at, '+0 days')),
  CONSTRAINT messages_pkey PRIMARY KEY (id)
);

-- The timeline: all messages, newest first; the id orders those of one second.
CREATE INDEX messages_timeline_idx ON messages (created_at DESC, id DESC);

-- A user's page: one author's messages, newest first; the id orders those of one second.
CREATE INDEX messages_by_author_idx ON messages (author_id, created_at DESC, id DESC);

-- A user follows another one. Both ids are ids of ums.users; the primary key answers "whom do I
-- follow?".
CREATE TABLE subscriptions (
  subscriber_id BLOB NOT NULL CHECK (typeof(subscriber_id) = 'blob' AND length(subscriber_id) = 16),
  producer_id BLOB NOT NULL CHECK (typeof(producer_id) = 'blob' AND length(producer_id) = 16),
  created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    CHECK (length(created_at) = 19 AND created_at IS datetime(created_at, '+0 days')),
  CONSTRAINT subscriptions_pkey PRIMARY KEY (subscriber_id, producer_id)
);

-- Who follows me?
CREATE INDEX subscriptions_by_producer_idx ON subscriptions (producer_id, subscriber_id);
