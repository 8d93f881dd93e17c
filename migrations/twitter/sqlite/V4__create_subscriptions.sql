-- A user follows another one. Both ids are ids of ums.users; the primary key answers "whom do I
-- follow?".
CREATE TABLE subscriptions (
  subscriber_id BLOB NOT NULL CHECK (typeof(subscriber_id) = 'blob' AND length(subscriber_id) = 16),
  producer_id BLOB NOT NULL CHECK (typeof(producer_id) = 'blob' AND length(producer_id) = 16),
  created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    CHECK (length(created_at) = 19 AND created_at IS datetime(created_at, '+0 days')),
  CONSTRAINT subscriptions_pkey PRIMARY KEY (subscriber_id, producer_id)
);
