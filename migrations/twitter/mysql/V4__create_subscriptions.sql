-- A user follows another one. Both ids are ids of ums.users; the primary key answers "whom do I
-- follow?".
CREATE TABLE subscriptions (
  subscriber_id BINARY(16) NOT NULL,
  producer_id BINARY(16) NOT NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (subscriber_id, producer_id)
) ENGINE = InnoDB;
