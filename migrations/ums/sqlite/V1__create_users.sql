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
