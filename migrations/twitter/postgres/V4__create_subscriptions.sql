-- A user follows another one. Both ids are ids of ums.users; the primary key answers "whom do I
-- follow?".
CREATE TABLE subscriptions (
  subscriber_id uuid NOT NULL,
  producer_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT subscriptions_pkey PRIMARY KEY (subscriber_id, producer_id)
);
