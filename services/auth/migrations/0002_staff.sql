-- What those who run the shop need to know of an account, and how they shut one.

-- Since when nobody can sign in to it.
ALTER TABLE accounts ADD COLUMN disabled_at bigint;
ALTER TABLE accounts ADD COLUMN last_sign_in_at bigint;
-- The name as it is searched: in lower case.
ALTER TABLE accounts ADD COLUMN name_key text NOT NULL DEFAULT '';
UPDATE accounts SET name_key = lower(name);

CREATE INDEX accounts_created ON accounts (created_at, id);

-- On whose rights a key rests: it can do no more than that account. One that is older than this
-- column rests on nobody's.
ALTER TABLE api_keys ADD COLUMN account_id uuid REFERENCES accounts (id) ON DELETE CASCADE;
-- When it ends by itself.
ALTER TABLE api_keys ADD COLUMN expires_at bigint;

CREATE INDEX api_keys_account ON api_keys (account_id);
