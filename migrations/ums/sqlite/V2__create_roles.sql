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
