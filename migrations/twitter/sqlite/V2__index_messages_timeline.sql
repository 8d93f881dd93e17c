-- The timeline: all messages, newest first; the id orders those of one second.
CREATE INDEX messages_timeline_idx ON messages (created_at DESC, id DESC);
