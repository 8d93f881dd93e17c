-- A moderator may do more than a member: what a user may do hangs on the user's roles.
CREATE TABLE roles (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  name varchar(50) NOT NULL,
  description varchar(255),
  CONSTRAINT roles_pkey PRIMARY KEY (id),
  CONSTRAINT roles_name_key UNIQUE (name)
);
