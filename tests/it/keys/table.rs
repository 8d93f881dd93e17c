//! A table of a case in a database, asked in every way.

use std::collections::BTreeSet;
use std::path::Path;

use bird::db::inspect;
use bird::db::session::Access;
use bird::dialect::by_scheme;
use bird::dialect::keys::KeyLocation;
use bird::model::schema::{Column, Schema, Table};
use bird::model::server::Server;
use bird::model::target::{FileTarget, ServerTarget, Tls};

use super::*;
use crate::case_file::{CaseFile, difference, is_update, update};

/// A case's table.
pub struct Laid<'a> {
    pub case: &'a Case,
    pub engine: Engine,
    pub session: &'a mut Session,
}

impl Laid<'_> {
    pub fn end<'e>(
        &self,
        table: &'e Table,
        server: &'e Server,
        filter: Option<&str>,
    ) -> Result<KeySource<'e>, String> {
        let dialect = self.session.dialect;
        let place = KeyLocation {
            dialect,
            server,
            schema: dialect.facts().schema,
            database: None,
        };
        let columns: Vec<(&Column, Compare)> = self
            .case
            .columns()
            .iter()
            .zip(&self.case.compare)
            .map(|(name, compare)| (table.column(name).expect("the column"), compare.clone()))
            .collect();
        KeySource::new(place, table, &columns, filter)
    }

    /// What a query gives: keys and what is none. Where an order is promised, it is kept.
    pub async fn counts(
        &mut self,
        asked: &KeyQuery,
        in_order: bool,
    ) -> (Counts, BTreeMap<String, u64>) {
        let (to, mut from) = tokio::sync::mpsc::channel(64);
        let read = keys::read(self.session, asked, &to).await;
        read.unwrap_or_else(|error| panic!("{}\n{}", asked.sql, error));
        drop(to);
        let (mut all, mut malformed, mut last) = (Counts::new(), BTreeMap::new(), None);
        while let Some(batch) = from.recv().await {
            for (key, rows) in batch.iter() {
                let key = key.to_vec();
                assert!(
                    !in_order || last.as_ref().is_none_or(|last| *last < key),
                    "{}: {key:02x?} comes behind {last:02x?}\n{}",
                    self.case.name,
                    asked.sql
                );
                *all.entry(key.clone()).or_default() += rows;
                last = Some(key);
            }
            for (text, rows) in &batch.malformed {
                *malformed.entry(text.clone()).or_default() += rows;
            }
        }
        (all, malformed)
    }

    /// Each row of the keys is found once, page by page, and again by what names it.
    pub async fn rows(&mut self, end: &KeySource<'_>, keys: &[Vec<u8>]) {
        let id = end.table.column("id").expect("the column");
        let mut after: Option<After> = None;
        let mut all = Vec::new();
        loop {
            let asked = end.rows(&[id], keys, after.as_ref(), 2).expect("a query");
            let (found, next) = keys::rows(self.session, &asked)
                .await
                .unwrap_or_else(|error| panic!("{}\n{}", asked.sql, error));
            all.extend(found);
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let ids: BTreeSet<&Vec<String>> = all.iter().map(|row| &row.identity).collect();
        assert_eq!(ids.len(), all.len(), "{}: a row came twice", self.case.name);
        let mut counts = Counts::new();
        for row in &all {
            *counts.entry(row.key.clone().expect("a key")).or_default() += 1;
        }
        assert_eq!(counts, self.case.expected(), "{}: rows", self.case.name);
        let names: Vec<Vec<String>> = all.iter().map(|row| row.identity.clone()).collect();
        let asked = end.again(&[id], &names).expect("a query");
        let (again, _) = keys::rows(self.session, &asked).await.expect("rows");
        assert_eq!(again.len(), all.len(), "{}: again", self.case.name);
        // The cells of a key name its rows too.
        let texts: Vec<Vec<String>> = all.iter().map(|row| row.texts.clone()).collect();
        let asked = end.again(&end.columns, &texts).expect("a query");
        let (again, _) = keys::rows(self.session, &asked).await.expect("rows");
        for row in &all {
            assert!(
                again
                    .iter()
                    .any(|other| other.texts == row.texts && other.key == row.key),
                "{}: {row:?}",
                self.case.name
            );
        }
    }

    /// Where one condition is promised to find a key and no other, it does.
    pub async fn exactly(&mut self, end: &KeySource<'_>, counts: &Counts) {
        for key in self.case.expected().keys() {
            let Some((condition, _)) = end.exactly(key) else {
                continue;
            };
            let sql = format!("SELECT COUNT(*) FROM {} WHERE {condition}", end.from);
            let found = self.session.value(&sql).await.expect("a number");
            let rows = counts.get(key).copied().unwrap_or(0).to_string();
            assert_eq!(found, Some(rows), "{}: {sql}", self.case.name);
        }
    }

    /// Where an index is promised to serve, the server says that it does.
    pub async fn explained(&mut self, end: &KeySource<'_>) {
        if !self.case.index {
            return;
        }
        let first = self.case.expected().into_keys().next();
        let first = first.map(|key| bird::model::key::split(&key, end.parts.len()).swap_remove(0));
        let range = KeyRange {
            after: first,
            upto: None,
        };
        let whole = KeyRange::default();
        let mut promised = Vec::new();
        if end.indexed() {
            promised.push((end.counted(&whole).sql, "the order"));
        }
        if end.ranges_by_index() {
            promised.push((end.counted(&range).sql, "a range"));
        }
        if end.probes_by_index() {
            let keys: Vec<Vec<u8>> = self.case.expected().into_keys().collect();
            promised.push((end.among(&keys[..1]).sql, "a probe"));
        }
        for (sql, what) in promised {
            let plan = self.plan(&sql).await;
            let index = format!("{}_k", self.case.name);
            let sorts = ["filesort", "temporary", "Sort", "TEMP B-TREE"];
            let serves = plan.contains(&index)
                && !(what != "a probe" && sorts.iter().any(|word| plan.contains(word)));
            assert!(
                serves,
                "{}: {what}\n{sql}\n{plan}",
                self.case.types.join(", ")
            );
        }
    }

    /// Ranges from one bound to the next have all keys.
    pub async fn walked(&mut self, end: &KeySource<'_>) {
        if !end.ranges_by_index() {
            return;
        }
        let (mut all, mut after) = (Counts::new(), None);
        loop {
            let found = keys::all(self.session, &end.boundary(after.as_deref(), 2)).await;
            let found = found.expect("a bound");
            let upto = (!found.is_empty()).then(|| found.key(0).to_vec());
            // Where a key is spelled in several ways, the column's order may lead back.
            let upto = upto.filter(|upto| after.as_ref().is_none_or(|after| upto > after));
            let range = KeyRange {
                after,
                upto: upto.clone(),
            };
            for (key, rows) in self.counts(&end.counted(&range), false).await.0 {
                *all.entry(key).or_default() += rows;
            }
            after = upto;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(all, self.case.expected(), "{}: walked", self.case.name);
    }

    /// What the catalog knows is about right, where the table was looked at.
    pub async fn estimated(&mut self, end: &KeySource<'_>) {
        let estimate = keys::estimate(self.session, end)
            .await
            .expect("an estimate");
        let rows = self.case.rows.len() as u64 + 1;
        let embedded = self.engine == Engine::Sqlite;
        if self.case.index || !embedded {
            assert_eq!(estimate.rows, Some(rows), "{}: rows", self.case.name);
        }
        if self.case.index && !(self.engine == Engine::Postgres && end.parts.len() > 1) {
            let keys = estimate.keys.expect("a number of keys");
            assert!(
                (1..=rows).contains(&keys),
                "{}: {keys} keys",
                self.case.name
            );
        }
    }

    /// What is promised of its column.
    pub fn promises(&self, end: &KeySource<'_>) -> String {
        let promises = [
            (end.sorts(), "sorts"),
            (end.indexed(), "indexed"),
            (end.ranges_by_index(), "ranges"),
            (end.probes_by_index(), "probes"),
            (!end.parts.iter().all(|part| part.groups), "ungrouped"),
        ];
        let kept = promises.iter().filter(|(kept, _)| *kept);
        let kept: Vec<&str> = kept.map(|(_, promise)| *promise).collect();
        let words: Vec<String> = self.case.compare.iter().map(Compare::word).collect();
        let types = self.case.types.join(", ");
        format!("{types} as {}: {}", words.join(", "), kept.join(" "))
    }

    async fn plan(&mut self, sql: &str) -> String {
        let (before, explain) = match self.engine {
            Engine::Sqlite => (None, "EXPLAIN QUERY PLAN"),
            Engine::MySql => (None, "EXPLAIN FORMAT=TRADITIONAL"),
            Engine::Postgres => (
                Some("SET enable_seqscan = off; SET enable_bitmapscan = off"),
                "EXPLAIN",
            ),
            _ => (None, "EXPLAIN"),
        };
        if let Some(before) = before {
            self.session.run(before).await.expect("a setting");
        }
        let rows = self
            .session
            .rows(&format!("{explain} {sql}"))
            .await
            .expect("a plan");
        let cells = rows.iter().flatten().flatten().map(String::as_str);
        cells.collect::<Vec<_>>().join(" ")
    }
}

/// Runs a check in a session and with the schema of the world's database.
pub fn run(world: &World, check: impl AsyncFnOnce(Session, Schema) -> Session) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let target = target(world);
        let dialect = by_scheme(world.engine_of("ums").folder()).expect("an engine");
        let schema = dialect.facts().schema;
        let session = Session::open(&target, dialect, schema, Access::ReadOnly).await;
        let mut session = session.expect("a session");
        keys::prepare(&mut session).await.expect("a setting");
        let schema = inspect::schema(&mut session, target.database()).await;
        check(session, schema.expect("a schema"))
            .await
            .close()
            .await;
    });
}

/// Checks what is promised of each type against `promises/<product>.case`.
pub fn check_promises(engine: Engine, found: &[String]) {
    let found = found.join("\n") + "\n";
    let path = format!("tests/it/keys/promises/{}.case", engine.name());
    let path = Path::new(&path);
    if is_update() {
        let updated = update(path, |file| file.sections[0].body = found);
        return updated.unwrap_or_else(|fault| panic!("{fault}"));
    }
    let file = CaseFile::read(path).unwrap_or_else(|fault| panic!("{fault}"));
    let expected = &file.sections[0].body;
    assert!(found == *expected, "{}", difference(expected, &found));
}

/// Where the world's database is.
pub fn target(world: &World) -> Target {
    if world.engine_of("ums") == Engine::Sqlite {
        return Target::File(FileTarget {
            path: world.name("ums").into(),
            shown: String::new(),
            read_only: false,
        });
    }
    let url = url::Url::parse(world.url("ums")).expect("a URL");
    Target::Server(ServerTarget {
        host: url.host_str().expect("a host").to_owned(),
        port: url.port().expect("a port"),
        socket: None,
        user: Some(url.username().to_owned()),
        password: url.password().map(|password| password.to_owned().into()),
        database: world.name("ums").to_owned(),
        tls: Tls::Local,
        ca: None,
        certificate: None,
        key: None,
        parameters: Box::default(),
    })
}
