-- An admin gives a user a role and takes it back. The assignments go with the user; a role that
-- somebody has cannot be deleted.
CREATE TABLE users_roles (
  user_id BINARY(16) NOT NULL,
  role_id BINARY(16) NOT NULL,
  PRIMARY KEY (user_id, role_id),
  -- Deleting a role asks who has it; InnoDB would make this index in any case, under another name.
  INDEX users_roles_role_id_idx (role_id),
  CONSTRAINT users_roles_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT users_roles_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles (id) ON DELETE RESTRICT
) ENGINE = InnoDB;
