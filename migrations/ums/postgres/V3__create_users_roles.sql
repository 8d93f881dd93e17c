-- An admin gives a user a role and takes it back. The assignments go with the user; a role that
-- somebody has cannot be deleted.
CREATE TABLE users_roles (
  user_id uuid NOT NULL,
  role_id uuid NOT NULL,
  CONSTRAINT users_roles_pkey PRIMARY KEY (user_id, role_id),
  CONSTRAINT users_roles_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT users_roles_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles (id) ON DELETE RESTRICT
);

-- Deleting a role asks who has it.
CREATE INDEX users_roles_role_id_idx ON users_roles (role_id);
