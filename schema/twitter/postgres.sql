-- The desired schema of `twitter`: what the migrations must lead to. Change it first, then
-- `bird new NAME --database twitter --from-schema` writes the migration.

-- A user posts a message of at most 280 characters. author_id is an id of ums.users.
CREATE TABLE messages (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  author_id uuid NOT NULL,
  content varchar(280) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT messages_pkey PRIMARY KEY (id)
);

-- The timeline: all messages, newest first; the id orders those of one second.
CREATE INDEX messages_timeline_idx ON messages (created_at DESC, id DESC);

-- A user's page: one author's messages, newest first; the id orders those of one second.
CREATE INDEX messages_by_author_idx ON messages (author_id, created_at DESC, id DESC);

-- A user follows another one. Both ids are ids of ums.users; the primary key answers "whom do I
-- follow?".
CREATE TABLE subscriptions (
  subscriber_id uuid NOT NULL,
  producer_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT subscriptions_pkey PRIMARY KEY (subscriber_id, producer_id)
);

-- Who follows me?
CREATE INDEX subscriptions_by_producer_idx ON subscriptions (producer_id, subscriber_id);
