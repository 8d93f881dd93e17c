-- The desired schema of `ums`: what the migrations must lead to. Change it first, then
-- `bird new NAME --database ums --from-schema` writes the migration.

-- A person signs up: one account per email address, and only a one-way hash of the password.
CREATE TABLE users (
  id BINARY(16) NOT NULL DEFAULT (UNHEX(REPLACE(UUID(), '-', ''))),
  name VARCHAR(100) NOT NULL,
  email VARCHAR(255) NOT NULL,
  password_hash VARCHAR(255) NOT NULL,
  created_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  CONSTRAINT users_email_key UNIQUE (email)
) ENGINE = InnoDB;

-- A moderator may do more than a member: what a user may do hangs on the user's roles.
CREATE TABLE roles (
  id BINARY(16) NOT NULL DEFAULT (UNHEX(REPLACE(UUID(), '-', ''))),
  name VARCHAR(50) NOT NULL,
  description VARCHAR(255),
  PRIMARY KEY (id),
  CONSTRAINT roles_name_key UNIQUE (name)
) ENGINE = InnoDB;

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
