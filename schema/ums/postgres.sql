-- The desired schema of `ums`: what the migrations must lead to. Change it first, then
-- `bird new NAME --database ums --from-schema` writes the migration.

-- A person signs up: one account per email address, and only a one-way hash of the password.
CREATE TABLE users (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  name varchar(100) NOT NULL,
  email varchar(255) NOT NULL,
  password_hash varchar(255) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_email_key UNIQUE (email)
);

CREATE FUNCTION users_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := CURRENT_TIMESTAMP;
  RETURN NEW;
END
$$;

-- Only where something changes, and never over a value that the UPDATE itself gives.
CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW
  WHEN (NEW.* IS DISTINCT FROM OLD.* AND NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at)
  EXECUTE FUNCTION users_touch();

-- A moderator may do more than a member: what a user may do hangs on the user's roles.
CREATE TABLE roles (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  name varchar(50) NOT NULL,
  description varchar(255),
  CONSTRAINT roles_pkey PRIMARY KEY (id),
  CONSTRAINT roles_name_key UNIQUE (name)
);

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
