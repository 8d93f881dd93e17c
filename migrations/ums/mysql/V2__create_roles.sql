-- A moderator may do more than a member: what a user may do hangs on the user's roles.
CREATE TABLE roles (
  id BINARY(16) NOT NULL DEFAULT (UNHEX(REPLACE(UUID(), '-', ''))),
  name VARCHAR(50) NOT NULL,
  description VARCHAR(255),
  PRIMARY KEY (id),
  CONSTRAINT roles_name_key UNIQUE (name)
) ENGINE = InnoDB;
