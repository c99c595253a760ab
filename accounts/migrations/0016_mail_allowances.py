"""Count the mails to each mailbox and of each agency."""

from django.db import migrations

# Without a policy, the application's role reads and writes no row. It uses the two functions.
TABLE = """
CREATE TABLE accounts_mailallowance (
    key varchar(120) PRIMARY KEY,
    began_at timestamptz NOT NULL,
    count integer NOT NULL
);
CREATE INDEX mailallowance_by_age ON accounts_mailallowance (began_at);
ALTER TABLE accounts_mailallowance ENABLE ROW LEVEL SECURITY;
"""
FUNCTIONS = """
-- Count one mail by all limits and return null, or count it by none and return when all of them allow another one.
-- A period begins with its first mail. The caller passes the limits: they are settings of the installation.
CREATE FUNCTION reserve_mail(keys text[], mosts integer[], periods interval[], moment timestamptz) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    free_at timestamptz;
BEGIN
    INSERT INTO accounts_mailallowance (key, began_at, count)
        SELECT name, moment, 0 FROM unnest(keys) AS name ORDER BY name ON CONFLICT DO NOTHING;
    -- In one order, so that two callers wait for each other instead of deadlocking.
    PERFORM FROM accounts_mailallowance WHERE key = ANY (keys) ORDER BY key FOR UPDATE;
    SELECT max(stored.began_at + asked.period) INTO free_at
    FROM unnest(keys, mosts, periods) AS asked (key, most, period) JOIN accounts_mailallowance AS stored USING (key)
    WHERE stored.count >= asked.most AND stored.began_at + asked.period > moment;
    IF free_at IS NULL THEN
        UPDATE accounts_mailallowance AS stored
        SET count = CASE WHEN stored.began_at + asked.period > moment THEN stored.count + 1 ELSE 1 END,
            began_at = CASE WHEN stored.began_at + asked.period > moment THEN stored.began_at ELSE moment END
        FROM unnest(keys, periods) AS asked (key, period) WHERE stored.key = asked.key;
    END IF;
    -- No period is longer. A few at each call, so that the table stays small without a scheduled job. At the end: whoever
    -- waits for one of these rows is not waited for.
    DELETE FROM accounts_mailallowance WHERE key IN (
        SELECT key FROM accounts_mailallowance WHERE began_at < moment - interval '2 days' AND key <> ALL (keys)
        ORDER BY began_at LIMIT 5 FOR UPDATE SKIP LOCKED);
    RETURN free_at;
END $$;

-- Use a limit up, for a period that begins then.
CREATE FUNCTION refuse_mail(asked text, beginning timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO accounts_mailallowance (key, began_at, count) VALUES (asked, beginning, 1000000)
    ON CONFLICT (key) DO UPDATE SET began_at = greatest(accounts_mailallowance.began_at, beginning), count = 1000000;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0015_staff_by_owner")]

    operations = [
        migrations.RunSQL(TABLE, "DROP TABLE accounts_mailallowance;"),
        migrations.RunSQL(
            FUNCTIONS,
            "DROP FUNCTION reserve_mail(text[], integer[], interval[], timestamptz); "
            "DROP FUNCTION refuse_mail(text, timestamptz);",
        ),
    ]
