//! Checks of a server and an account of MySQL and MariaDB, for `bird doctor`.

use crate::dialect::checks::{Check, Rows, Subject, account, cell, number};
use crate::dialect::mysql::MySql;
use crate::dialect::{Literals, ServerFacts};
use crate::model::check::CheckResult;
use crate::model::code::Code;

/// The privileges that a migration may need.
const NEEDED: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "ALTER",
    "DROP",
    "INDEX",
    "REFERENCES",
];

const STRICT: &[&str] = &["STRICT_TRANS_TABLES", "STRICT_ALL_TABLES", "TRADITIONAL"];

pub const CHECKS: &[Check] = &[
    Check {
        code: Code::Account,
        inside: false,
        query: |_| "SELECT CURRENT_USER(); SHOW SESSION STATUS LIKE 'Ssl_cipher'".into(),
        judge: |subject, rows| account(subject, cell(rows, 0, 0), cell(rows, 1, 1)),
    },
    Check {
        code: Code::Privileges,
        inside: false,
        query: |_| GRANTS.into(),
        judge: privileges,
    },
    Check {
        code: Code::CharacterSet,
        inside: true,
        query: |_| {
            "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME \
             FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()"
                .into()
        },
        judge: |subject, rows| match (cell(rows, 0, 0), cell(rows, 0, 1)) {
            ("utf8mb4", collation) => CheckResult::ok(format!("utf8mb4, {collation}")),
            (other, _) => {
                let name = MySql.quote(subject.database);
                CheckResult::warning(format!("new tables get {other}, not utf8mb4"))
                    .fix(format!("ALTER DATABASE {name} CHARACTER SET utf8mb4"))
            }
        },
    },
    Check {
        code: Code::StorageEngine,
        inside: false,
        query: |_| {
            "SELECT ENGINE, TRANSACTIONS FROM information_schema.ENGINES \
             WHERE SUPPORT = 'DEFAULT'"
                .into()
        },
        judge: |_, rows| match (cell(rows, 0, 0), cell(rows, 0, 1)) {
            (engine, "YES") => CheckResult::ok(engine),
            (engine, _) => CheckResult::warning(format!("{engine}, which has no transactions"))
                .fix("SET GLOBAL default_storage_engine = 'InnoDB'"),
        },
    },
    Check {
        code: Code::TimeZone,
        inside: false,
        query: |_| "SELECT @@GLOBAL.time_zone, @@system_time_zone".into(),
        judge: |_, rows| {
            let zone = match cell(rows, 0, 0) {
                "SYSTEM" => cell(rows, 0, 1),
                zone => zone,
            };
            match zone {
                "UTC" | "+00:00" | "GMT" | "Etc/UTC" => CheckResult::ok("UTC"),
                zone => CheckResult::note(format!("{zone}; bird's sessions use UTC"))
                    .fix("let applications set their time zone, or set the server to UTC"),
            }
        },
    },
    Check {
        code: Code::ReadOnly,
        inside: false,
        query: |_| {
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN \
             ('read_only', 'super_read_only', 'innodb_read_only', 'offline_mode')"
                .into()
        },
        judge: |_, rows| {
            let on = |row: &&Vec<Option<String>>| {
                let value = row.get(1).and_then(Option::as_deref).unwrap_or_default();
                !matches!(value, "" | "OFF" | "0")
            };
            let set: Vec<&str> = rows
                .iter()
                .filter(on)
                .filter_map(|row| row.first()?.as_deref())
                .collect();
            if set.is_empty() {
                CheckResult::ok("the server takes writes")
            } else {
                CheckResult::error(format!("the server is set to {}", set.join(", ")))
                    .fix("connect to the primary, or turn the setting off")
            }
        },
    },
    Check {
        code: Code::Replica,
        inside: false,
        query: |subject| {
            let query = MySql.replication(subject.server);
            query.unwrap_or_default().into()
        },
        judge: |_, rows| {
            if rows.is_empty() {
                CheckResult::ok("the server is not a replica")
            } else {
                CheckResult::warning("it replicates from another server").fix(
                    "migrate that server, because writes here may conflict with it; if both \
                     replicate each other: --allow replica",
                )
            }
        },
    },
    Check {
        code: Code::LockTimeouts,
        inside: false,
        query: |_| "SELECT @@GLOBAL.lock_wait_timeout, @@GLOBAL.innodb_lock_wait_timeout".into(),
        judge: |_, rows| {
            let (table, row) = (number(rows, 0, 0), number(rows, 0, 1));
            let table_told = match table / 86_400 {
                0 => format!("{table} s"),
                days => format!("{days} days"),
            };
            let found =
                format!("lock_wait_timeout = {table_told}, innodb_lock_wait_timeout = {row} s");
            match table {
                0..=3600 => CheckResult::ok(found),
                _ => CheckResult::note(found).fix(
                    "bird waits 5 s and retries; set a limit for other clients that change tables, \
                     because all readers queue behind a waiting ALTER",
                ),
            }
        },
    },
    Check {
        code: Code::SqlMode,
        inside: false,
        query: |_| "SELECT @@GLOBAL.sql_mode".into(),
        judge: |_, rows| {
            let strict = |mode: &str| STRICT.contains(&mode);
            match cell(rows, 0, 0).split(',').find(|mode| strict(mode)) {
                Some(mode) => CheckResult::ok(format!("strict ({mode})")),
                None => CheckResult::warning(
                    "not strict: the server silently truncates values that do not fit",
                )
                .fix("SET GLOBAL sql_mode = CONCAT(@@GLOBAL.sql_mode, ',STRICT_TRANS_TABLES')"),
            }
        },
    },
    Check {
        code: Code::TableNames,
        inside: false,
        query: |_| "SELECT @@lower_case_table_names".into(),
        judge: |_, rows| match cell(rows, 0, 0) {
            "0" => CheckResult::ok("names are case-sensitive"),
            value => CheckResult::note(format!(
                "names are not case-sensitive (lower_case_table_names = {value})"
            ))
            .fix(
                "always write a table's name in the same case: other servers may be case-sensitive",
            ),
        },
    },
    Check {
        code: Code::Packet,
        inside: false,
        query: |_| "SELECT @@GLOBAL.max_allowed_packet".into(),
        judge: |subject, rows| {
            let (packet, largest) = (number(rows, 0, 0), subject.largest as u64);
            let found = format!(
                "the server accepts statements of {packet} bytes; the largest pending one has {largest}"
            );
            // The command's own byte and some room for what the protocol adds.
            if largest + 64 > packet {
                CheckResult::error(found).fix(format!(
                    "SET GLOBAL max_allowed_packet = {}, or split the statement",
                    (largest + 64).next_multiple_of(1024 * 1024)
                ))
            } else {
                CheckResult::ok(found)
            }
        },
    },
    Check {
        code: Code::SeesBlockers,
        inside: false,
        query: |_| GRANTS.into(),
        judge: |_, rows| {
            let sees = rows
                .iter()
                .filter_map(|row| Grant::read(row.first()?.as_deref()?));
            let sees = sees.filter(|grant| grant.on == "*.*");
            if sees.into_iter().any(|grant| grant.has("PROCESS")) {
                CheckResult::ok("the account sees other sessions (PROCESS)")
            } else {
                CheckResult::note("the account sees its own sessions only")
                    .fix("GRANT PROCESS ON *.* TO it, so that bird can name who holds a lock")
            }
        },
    },
];

/// Asks for the grants. On MariaDB the rows hold password hashes: they are read, and never shown.
const GRANTS: &str = "SHOW GRANTS";

/// A line of `SHOW GRANTS`.
struct Grant<'g> {
    /// `ALL PRIVILEGES`, or names separated by commas.
    what: &'g str,
    /// As it is written: `*.*`, `` `ums`.* ``.
    on: &'g str,
    revoked: bool,
}

impl<'g> Grant<'g> {
    /// `None` if the line grants a role or a proxy.
    fn read(line: &'g str) -> Option<Grant<'g>> {
        let (revoked, rest) = match line.strip_prefix("GRANT ") {
            Some(rest) => (false, rest),
            None => (true, line.strip_prefix("REVOKE ")?),
        };
        let (what, rest) = rest.split_once(" ON ")?;
        let (on, _) = rest.split_once(if revoked { " FROM " } else { " TO " })?;
        Some(Grant { what, on, revoked })
    }

    fn has(&self, privilege: &str) -> bool {
        let mut names = self.what.split(',').map(str::trim);
        self.what == "ALL PRIVILEGES" || names.any(|name| name == privilege)
    }

    /// Whether it grants on this whole database, whose name may be written as a pattern.
    fn covers(&self, database: &str) -> bool {
        let Some(name) = self.on.strip_suffix(".*") else {
            return false;
        };
        if name == "*" {
            return true;
        }
        let name = name.trim_matches('`').replace("``", "`");
        like(
            &name.chars().collect::<Vec<_>>(),
            &database.chars().collect::<Vec<_>>(),
        )
    }
}

/// Whether a name matches a pattern of `LIKE`.
fn like(pattern: &[char], name: &[char]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        (['%', rest @ ..], _) => (0..=name.len()).any(|at| like(rest, &name[at..])),
        (['\\', one, rest @ ..], [first, name @ ..]) => one == first && like(rest, name),
        (['_', rest @ ..], [_, name @ ..]) => like(rest, name),
        ([one, rest @ ..], [first, name @ ..]) => one == first && like(rest, name),
        _ => false,
    }
}

fn privileges(subject: &Subject<'_>, rows: &Rows) -> CheckResult {
    let lines = || rows.iter().filter_map(|row| row.first()?.as_deref());
    let grants: Vec<Grant<'_>> = lines()
        .filter_map(Grant::read)
        .filter(|grant| grant.covers(subject.database))
        .collect();
    let some = |privilege: &str, revoked| {
        let mut grants = grants.iter().filter(|grant| grant.revoked == revoked);
        grants.any(|grant| grant.has(privilege))
    };
    let missing: Vec<&str> = NEEDED
        .iter()
        .copied()
        .filter(|privilege| !some(privilege, false) || some(privilege, true))
        .collect();
    if missing.is_empty() {
        return CheckResult::ok("the account has the privileges that migrations need");
    }
    let missing = missing.join(", ");
    let roles = lines().any(|line| line.starts_with("GRANT ") && !line.contains(" ON "));
    let name = MySql.quote(subject.database);
    let grant = format!("let an administrator run: GRANT {missing} ON {name}.* TO the account");
    if roles {
        CheckResult::note(format!("the account lacks {missing}, unless a role has it"))
    } else {
        CheckResult::error(format!("the account lacks {missing}")).fix(grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::check::Verdict;
    use crate::model::server::Server;

    fn judge(name: &str, database: &str, rows: &[&[&str]]) -> CheckResult {
        let server = Server::default();
        let subject = Subject {
            database,
            schema: None,
            server: &server,
            local: true,
            largest: 2000,
        };
        let rows: Vec<Vec<Option<String>>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| Some((*cell).to_owned())).collect())
            .collect();
        let check = CHECKS.iter().find(|check| check.code.name() == name);
        check.map_or_else(
            || CheckResult::error("no such check"),
            |check| (check.judge)(&subject, &rows),
        )
    }

    #[test]
    fn grants_are_read_with_patterns_and_revocations() {
        let verdict = |lines: &[&str]| {
            let rows: Vec<&[&str]> = lines.iter().map(std::slice::from_ref).collect();
            judge("privileges", "my_db", &rows)
        };
        let usage = "GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*9B49'";
        for all in [
            "GRANT ALL PRIVILEGES ON `my\\_db`.* TO `a`@`%`",
            "GRANT ALL PRIVILEGES ON `my%`.* TO `a`@`%` WITH GRANT OPTION",
            "GRANT ALL PRIVILEGES ON *.* TO `a`@`%`",
            "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER \
             ON `my_db`.* TO `a`@`%`",
        ] {
            assert_eq!(verdict(&[usage, all]).verdict, Verdict::Ok, "{all}");
        }
        for none in [
            "GRANT ALL PRIVILEGES ON `my\\_dc`.* TO `a`@`%`",
            "GRANT ALL PRIVILEGES ON `my_db`.`t` TO `a`@`%`",
            "GRANT PROXY ON ``@`%` TO `a`@`%`",
        ] {
            let result = verdict(&[usage, none]);
            assert_eq!(result.verdict, Verdict::Error, "{none}");
            assert!(result.found.contains("SELECT, INSERT"), "{result:?}");
            assert!(!result.found.contains("9B49"), "{result:?}");
        }
        let less = verdict(&[
            "GRANT ALL PRIVILEGES ON *.* TO `a`@`%`",
            "REVOKE ALTER ON `my_db`.* FROM `a`@`%`",
        ]);
        assert_eq!(less.found, "the account lacks ALTER");
        let role = verdict(&[usage, "GRANT `writers`@`%` TO `a`@`%`"]);
        assert_eq!(role.verdict, Verdict::Note);
    }

    #[test]
    fn products_that_are_old_or_only_look_alike_are_doubted() {
        let doubts = |version: &str, comment: &str| {
            let row = [version, comment].map(|cell| Some(cell.to_owned()));
            MySql.doubts(&MySql.server(&row)).join("; ")
        };
        for (version, comment) in [
            ("8.0.36", "MySQL Community Server - GPL"),
            ("9.7.4-2", "(Debian)"),
            ("10.6.1-MariaDB", "mariadb.org"),
            ("5.5.5-11.4.2-MariaDB", "mariadb.org"),
        ] {
            assert_eq!(doubts(version, comment), "", "{version}");
        }
        assert!(doubts("5.7.44-log", "MySQL").contains("older than 8.0"));
        assert!(doubts("10.5.23-MariaDB", "Debian").contains("older than 10.6"));
        assert!(doubts("8.0.11-TiDB-v7.5.0", "TiDB Server").contains("TiDB"));
        assert!(doubts("8.0.30-Vitess", "").contains("Vitess"));
        assert!(doubts("8.0.mysql_aurora.3.04.0", "Source distribution").contains("Aurora"));
    }

    #[test]
    fn a_server_that_would_harm_is_found_out() {
        let verdict = |name, row: &[&str]| judge(name, "ums", &[row]).verdict;
        assert_eq!(verdict("read-only", &["read_only", "OFF"]), Verdict::Ok);
        assert_eq!(
            verdict("read-only", &["super_read_only", "ON"]),
            Verdict::Error
        );
        assert_eq!(
            verdict("storage-engine", &["MyISAM", "NO"]),
            Verdict::Warning
        );
        assert_eq!(verdict("sql-mode", &["ANSI_QUOTES"]), Verdict::Warning);
        assert_eq!(verdict("sql-mode", &["A,STRICT_ALL_TABLES"]), Verdict::Ok);
        assert_eq!(verdict("packet", &["1024"]), Verdict::Error);
        assert_eq!(verdict("packet", &["16777216"]), Verdict::Ok);
        assert_eq!(verdict("time-zone", &["SYSTEM", "CET"]), Verdict::Note);
        assert_eq!(verdict("time-zone", &["SYSTEM", "UTC"]), Verdict::Ok);
        assert_eq!(verdict("lock-timeouts", &["31536000", "50"]), Verdict::Note);
        assert_eq!(
            verdict("character-set", &["latin1", "latin1_swedish_ci"]),
            Verdict::Warning
        );
        assert_eq!(judge("replica", "ums", &[]).verdict, Verdict::Ok);
        assert_eq!(verdict("replica", &["Waiting"]), Verdict::Warning);
        assert_eq!(verdict("table-names", &["1"]), Verdict::Note);
    }
}
