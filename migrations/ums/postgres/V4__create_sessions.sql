-- A user logs in and out. The sessions go with the user.
CREATE TABLE sessions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  logged_in_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
  logged_out_at timestamptz,
  CONSTRAINT sessions_pkey PRIMARY KEY (id),
  CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT sessions_logged_out_after_in CHECK (logged_out_at >= logged_in_at)
);

-- Deleting a user asks for the user's sessions.
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
