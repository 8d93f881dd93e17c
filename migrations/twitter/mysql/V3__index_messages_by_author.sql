-- A user's page: one author's messages, newest first; the id orders those of one second.
CREATE INDEX messages_by_author_idx ON messages (author_id, created_at DESC, id DESC);
