-- The desired schema of `ums`: what the migrations must lead to. Change it first, then
-- `bird new NAME --database ums --from-schema` writes the migration.

-- A person signs up: one account per email address, and only a one-way hash of the password.
-- The id is a version-4 UUID: its seventh byte begins with 4, its ninth with 8, 9, a or b.
CREATE TABLE users (
  id BLOB NOT NULL
    DEFAULT (CAST(
      randomblob(6)
      || substr(x'404142434445464748494a4b4c4d4e4f', 1 + (random() & 15), 1)
      || randomblob(1)
      || substr(
        x'808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf',
        1 + (random() & 63), 1)
      || randomblob(7) AS BLOB))
    CHECK (typeof(id) = 'blob' AND length(id) = 16),
  name TEXT NOT NULL CHECK (typeof(name) = 'text' AND length(name) <= 100 AND instr(name, char(0)) = 0),
  email TEXT NOT NULL CHECK (typeof(email) = 'text' AND length(email) <= 255 AND instr(email, char(0)) = 0),
  password_hash TEXT NOT NULL
    CHECK (typeof(password_hash) = 'text' AND length(password_hash) <= 255 AND instr(password_hash, char(0)) = 0),
  created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    CHECK (length(created_at) = 19 AND created_at IS datetime(created_at, '+0 days')),
  updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    CHECK (length(updated_at) = 19 AND updated_at IS datetime(updated_at, '+0 days')),
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_email_key UNIQUE (email)
);

-- Only where something changes, and never over a value that the UPDATE itself gives. The first
-- condition also ends the recursion where recursive_triggers is on.
CREATE TRIGGER users_touch AFTER UPDATE ON users FOR EACH ROW
  WHEN (NEW.id, NEW.name, NEW.email, NEW.password_hash, NEW.created_at)
    IS NOT (OLD.id, OLD.name, OLD.email, OLD.password_hash, OLD.created_at)
    AND NEW.updated_at IS OLD.updated_at
BEGIN
  UPDATE users SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.id;
END;

-- A moderator may do more than a member: what a user may do hangs on the user's roles.
CREATE TABLE roles (
  id BLOB NOT NULL
    DEFAULT (CAST(
      randomblob(6)
      || substr(x'404142434445464748494a4b4c4d4e4f', 1 + (random() & 15), 1)
      || randomblob(1)
      || substr(
        x'808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf',
        1 + (random() & 63), 1)
      || randomblob(7) AS BLOB))
    CHECK (typeof(id) = 'blob' AND length(id) = 16),
  name TEXT NOT NULL CHECK (typeof(name) = 'text' AND length(name) <= 50 AND instr(name, char(0)) = 0),
  description TEXT
    CHECK (description IS NULL
      OR (typeof(description) = 'text' AND length(description) <= 255 AND instr(description, char(0)) = 0)),
  CONSTRAINT roles_pkey PRIMARY KEY (id),
  CONSTRAINT roles_name_key UNIQUE (name)
);

-- An admin gives a user a role and takes it back. The assignments go with the user; a role that
-- somebody has cannot be deleted.
CREATE TABLE users_roles (
  user_id BLOB NOT NULL CHECK (typeof(user_id) = 'blob' AND length(user_id) = 16),
  role_id BLOB NOT NULL CHECK (typeof(role_id) = 'blob' AND length(role_id) = 16),
  CONSTRAINT users_roles_pkey PRIMARY KEY (user_id, role_id),
  CONSTRAINT users_roles_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT users_roles_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles (id) ON DELETE RESTRICT
);

-- Deleting a role asks who has it.
CREATE INDEX users_roles_role_id_idx ON users_roles (role_id);

-- A user logs in and out. The sessions go with the user.
CREATE TABLE sessions (
  id BLOB NOT NULL
    DEFAULT (CAST(
      randomblob(6)
      || substr(x'404142434445464748494a4b4c4d4e4f', 1 + (random() & 15), 1)
      || randomblob(1)
      || substr(
        x'808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf',
        1 + (random() & 63), 1)
      || randomblob(7) AS BLOB))
    CHECK (typeof(id) = 'blob' AND length(id) = 16),
  user_id BLOB NOT NULL CHECK (typeof(user_id) = 'blob' AND length(user_id) = 16),
  logged_in_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    CHECK (length(logged_in_at) = 19 AND logged_in_at IS datetime(logged_in_at, '+0 days')),
  logged_out_at TEXT
    CHECK (logged_out_at IS NULL
      OR (length(logged_out_at) = 19 AND logged_out_at IS datetime(logged_out_at, '+0 days'))),
  CONSTRAINT sessions_pkey PRIMARY KEY (id),
  CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT sessions_logged_out_after_in CHECK (logged_out_at >= logged_in_at)
);

-- Deleting a user asks for the user's sessions.
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
