//! Doctor checks of PostgreSQL.
//!
//! A session's own settings are bird's; what others get is the value that `RESET` would give.

use crate::dialect::checks::{Check, account, cell};
use crate::dialect::keys::HiddenRows;
use crate::dialect::{
    Provisioning,
    postgres::{Postgres, hidden_rows},
};
use crate::model::check::CheckResult;
use crate::model::code::Code;

pub const CHECKS: &[Check] = &[
    Check {
        code: Code::Account,
        inside: false,
        query: |_| {
            "SELECT current_user, (SELECT version FROM pg_stat_ssl \
             WHERE pid = pg_backend_pid() AND ssl)"
                .into()
        },
        judge: |subject, rows| account(subject, cell(rows, 0, 0), cell(rows, 0, 1)),
    },
    Check {
        code: Code::Schema,
        inside: true,
        query: |subject| {
            let missing = Postgres.missing_inside(subject.schema);
            let exists = missing.into_iter().map(|(_, missing)| missing.exists);
            exists.collect::<Vec<_>>().join("; ")
        },
        judge: |subject, rows| {
            let name = subject.schema.unwrap_or("public");
            if rows.is_empty() {
                CheckResult::warning(format!("the schema {name} does not exist"))
                    .fix("create it with `bird provision`")
            } else {
                CheckResult::ok(format!("the schema {name} exists"))
            }
        },
    },
    Check {
        code: Code::Privileges,
        inside: true,
        query: |subject| Postgres.preflight_query(subject.schema).unwrap_or_default(),
        judge: |_, rows| match cell(rows, 0, 0) {
            "" => CheckResult::ok("the account has the privileges that migrations need"),
            grant => CheckResult::error("the account may not create anything in its schema")
                .fix(format!("let an administrator run: {grant}")),
        },
    },
    Check {
        code: Code::HiddenRows,
        inside: true,
        query: |subject| hidden_rows::query(subject.schema),
        judge: |_, rows| {
            let hidden = rows.iter().filter_map(|row| HiddenRows::read(row));
            let hidden: Vec<HiddenRows> = hidden.collect();
            match hidden.as_slice() {
                [] => CheckResult::ok("the account sees every row"),
                [first, more @ ..] => {
                    let more = match more.len() {
                        0 => String::new(),
                        more => format!(", and of {more} more tables"),
                    };
                    CheckResult::warning(format!("{first}{more}"))
                        .fix(format!("{}; bird reads no such table", first.hint()))
                }
            }
        },
    },
    Check {
        code: Code::CharacterSet,
        inside: true,
        query: |_| {
            "SELECT current_setting('server_encoding'), datcollate FROM pg_database \
             WHERE datname = current_database()"
                .into()
        },
        judge: |_, rows| match (cell(rows, 0, 0), cell(rows, 0, 1)) {
            ("UTF8", collation) => CheckResult::ok(format!("UTF8, collation {collation}")),
            (other, _) => CheckResult::warning(format!("{other}, not UTF8"))
                .fix("create the database again with ENCODING 'UTF8' TEMPLATE template0"),
        },
    },
    Check {
        code: Code::TimeZone,
        inside: false,
        // What a session gets is what the client asked for; the server's own shows in its log.
        query: |_| "SELECT current_setting('log_timezone')".into(),
        judge: |_, rows| match cell(rows, 0, 0) {
            "UTC" | "Etc/UTC" | "GMT" => CheckResult::ok("UTC"),
            zone => CheckResult::note(format!(
                "{zone} in the server's log; bird's sessions use UTC"
            )),
        },
    },
    Check {
        code: Code::ReadOnly,
        inside: false,
        query: |_| {
            "SELECT pg_is_in_recovery()::text, (SELECT reset_val FROM pg_settings \
             WHERE name = 'default_transaction_read_only')"
                .into()
        },
        judge: |_, rows| match (cell(rows, 0, 0), cell(rows, 0, 1)) {
            ("true", _) => {
                CheckResult::error("the server is a standby").fix("connect to the primary")
            }
            (_, "on") => CheckResult::warning("default_transaction_read_only is on")
                .fix("ask who made this account read-only, or use another"),
            _ => CheckResult::ok("the server takes writes"),
        },
    },
    Check {
        code: Code::LockTimeouts,
        inside: false,
        query: |_| {
            "SELECT (SELECT reset_val FROM pg_settings WHERE name = 'lock_timeout'), \
             (SELECT reset_val FROM pg_settings WHERE name = 'statement_timeout')"
                .into()
        },
        judge: |_, rows| match (cell(rows, 0, 0), cell(rows, 0, 1)) {
            (lock, statement) if statement != "0" => CheckResult::note(format!(
                "the server cancels a statement after {statement} ms, a wait for a lock after \
                 {lock} ms (0 means never)"
            ))
            .fix("bird's own sessions follow `lock_timeout` and `statement_timeout` of bird.toml"),
            ("0", _) => CheckResult::note("lock_timeout = 0: waits for locks without a limit").fix(
                "bird waits 5 s and retries; set lock_timeout for other clients that change \
                 tables, because all readers queue behind a waiting ALTER",
            ),
            (lock, _) => CheckResult::ok(format!("lock_timeout = {lock} ms")),
        },
    },
    Check {
        code: Code::LostClients,
        inside: false,
        query: |_| {
            "SELECT reset_val FROM pg_settings WHERE name = 'client_connection_check_interval'"
                .into()
        },
        judge: |_, rows| match cell(rows, 0, 0) {
            "" => CheckResult::note(
                "before version 14, a statement continues after its client has disconnected",
            ),
            "0" => CheckResult::note("a statement continues after its client has disconnected")
                .fix("ALTER SYSTEM SET client_connection_check_interval = '10s'"),
            interval => CheckResult::ok(format!(
                "the server checks for lost clients every {interval} ms"
            )),
        },
    },
    Check {
        code: Code::SeesBlockers,
        inside: false,
        query: |_| "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')::text".into(),
        judge: |_, rows| match cell(rows, 0, 0) {
            "true" => CheckResult::ok("the account sees other sessions (pg_read_all_stats)"),
            _ => CheckResult::note("the account sees its own sessions only")
                .fix("GRANT pg_read_all_stats TO it, so that bird can name who holds a lock"),
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::ServerFacts;
    use crate::dialect::checks::Subject;
    use crate::model::check::Verdict;
    use crate::model::server::Server;

    #[test]
    fn products_that_only_look_alike_are_doubted() {
        let doubts = |version: &str, setting: &str| {
            let row = [version, setting].map(|cell| Some(cell.to_owned()));
            Postgres.doubts(&Postgres.server(&row)).join("; ")
        };
        assert_eq!(
            doubts("15.18 (Debian)", "PostgreSQL 15.18 on x86_64-pc-linux-gnu"),
            ""
        );
        assert!(doubts("13.0.0", "CockroachDB CCL v24.1.0").contains("CockroachDB"));
        assert!(doubts("11.2-YB-2.19.0.0-b0", "PostgreSQL 11.2-YB-2.19").contains("Yugabyte"));
    }

    #[test]
    fn a_server_that_would_harm_is_found_out() {
        let server = Server::default();
        let subject = Subject {
            database: "ums",
            schema: None,
            server: &server,
            local: false,
            largest: 0,
        };
        let verdict = |name: &str, cells: &[&str]| {
            let row = cells.iter().map(|cell| Some((*cell).to_owned())).collect();
            let check = CHECKS.iter().find(|check| check.code.name() == name);
            check.map(|check| (check.judge)(&subject, &[row]).verdict)
        };
        assert_eq!(verdict("account", &["app", ""]), Some(Verdict::Warning));
        assert_eq!(verdict("account", &["app", "TLSv1.3"]), Some(Verdict::Ok));
        assert_eq!(verdict("read-only", &["true", "off"]), Some(Verdict::Error));
        assert_eq!(
            verdict("read-only", &["false", "on"]),
            Some(Verdict::Warning)
        );
        assert_eq!(verdict("read-only", &["false", "off"]), Some(Verdict::Ok));
        assert_eq!(
            verdict("character-set", &["LATIN1", "C"]),
            Some(Verdict::Warning)
        );
        assert_eq!(verdict("lock-timeouts", &["0", "0"]), Some(Verdict::Note));
        assert_eq!(verdict("lock-timeouts", &["5000", "0"]), Some(Verdict::Ok));
        assert_eq!(
            verdict("lock-timeouts", &["5000", "60000"]),
            Some(Verdict::Note)
        );
        assert_eq!(verdict("privileges", &["GRANT x"]), Some(Verdict::Error));
        assert_eq!(
            verdict("time-zone", &["Europe/Vienna"]),
            Some(Verdict::Note)
        );
        assert_eq!(verdict("lost-clients", &["0"]), Some(Verdict::Note));
        assert_eq!(verdict("sees-blockers", &["false"]), Some(Verdict::Note));
    }
}
