-- A user logs in and out. The sessions go with the user.
CREATE TABLE sessions (
  id BINARY(16) NOT NULL DEFAULT (UNHEX(REPLACE(UUID(), '-', ''))),
  user_id BINARY(16) NOT NULL,
  logged_in_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  logged_out_at DATETIME,
  PRIMARY KEY (id),
  -- Deleting a user asks for the user's sessions; InnoDB would make this index in any case, under
  -- another name.
  INDEX sessions_user_id_idx (user_id),
  CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT sessions_logged_out_after_in CHECK (logged_out_at >= logged_in_at)
) ENGINE = InnoDB;
