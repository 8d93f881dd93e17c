-- Who follows me?
CREATE INDEX subscriptions_by_producer_idx ON subscriptions (producer_id, subscriber_id);
